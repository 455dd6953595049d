package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/web"
)

// issue makes a certificate that signs itself, and the pool that trusts it.
func issue(t *testing.T, from, to time.Time, ips []net.IP, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "books"}, NotBefore: from, NotAfter: to,
		IPAddresses: ips, DNSNames: names, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, pool
}

// What is wrong between two sides that do not trust each other is said, and is
// known not to pass by itself.
func TestWhyTLSFails(t *testing.T) {
	at, here := time.Now(), []net.IP{net.IPv4(127, 0, 0, 1)}
	for name, test := range map[string]struct {
		from, to time.Time
		ips      []net.IP
		names    []string
		alone    bool // nobody trusts it
		config   func(*tls.Config)
		want     string
	}{
		"ended":                 {from: at.Add(-48 * time.Hour), to: at.Add(-24 * time.Hour), ips: here, want: "its certificate ended at 20"},
		"not yet":               {from: at.Add(24 * time.Hour), to: at.Add(48 * time.Hour), ips: here, want: "its certificate is not valid before 20"},
		"another host":          {from: at.Add(-time.Hour), to: at.Add(time.Hour), names: []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}, want: "for another host (a.example.com, b.example.com, c.example.com and others)"},
		"nobody's":              {from: at.Add(-time.Hour), to: at.Add(time.Hour), ips: here, alone: true, want: "name its certificate as ca_file"},
		"an old version":        {from: at.Add(-time.Hour), to: at.Add(time.Hour), ips: here, config: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, want: "version"},
		"wants to know us":      {from: at.Add(-time.Hour), to: at.Add(time.Hour), ips: here, config: func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, want: "certificate required"},
		"wants us to be others": {from: at.Add(-time.Hour), to: at.Add(time.Hour), ips: here, config: func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }, want: "handshake failure|certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			certificate, pool := issue(t, test.from, test.to, test.ips, test.names...)
			if test.alone {
				pool = x509.NewCertPool()
			}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			if test.config != nil {
				test.config(server.TLS)
			}
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			client, err := web.New(web.Options{Origins: []string{server.URL}, Now: now, Roots: pool})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, err = client.Do(t.Context(), post(server.URL+"/"+canary))
			found := false
			for _, want := range strings.Split(test.want, "|") {
				found = found || err != nil && strings.Contains(err.Error(), want)
			}
			if !errors.Is(err, web.ErrTLS) || !found || strings.Contains(err.Error(), canary) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}
