package web

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// ErrTLS says that the two sides do not trust or understand each other, which another
// attempt cannot mend. It wraps connectors.ErrEnvironment.
var ErrTLS = fmt.Errorf("%w: TLS", connectors.ErrEnvironment)

// trust says why a server is not trusted, or does not trust us; "" when
// something else is at fault.
func trust(err error) string {
	var (
		authority   x509.UnknownAuthorityError
		host        x509.HostnameError
		invalid     x509.CertificateInvalidError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "its certificate is signed by an unknown authority; if that is one of your own, name its certificate as ca_file"
	case errors.As(err, &host):
		return "its certificate is for another host" + names(host.Certificate)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && strings.Contains(invalid.Detail, "is before"):
		return "its certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return "its certificate ended at " + invalid.Cert.NotAfter.UTC().Format(time.RFC3339)
	case errors.As(err, &certificate):
		return "its certificate is not valid"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	}
	if _, words, is := strings.Cut(err.Error(), "tls: "); is { // Go's own words; they quote nothing that was sent
		return words
	}
	return ""
}

// names lists the first hosts a certificate is for.
func names(c *x509.Certificate) string {
	const most = 3
	if c == nil || len(c.DNSNames) == 0 {
		return ""
	}
	text := strings.Join(c.DNSNames[:min(most, len(c.DNSNames))], ", ")
	if len(c.DNSNames) > most {
		text += " and others"
	}
	return " (" + text + ")"
}
