package web_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://hooks.slack.com/services/T/B/" + canary:          "https://hooks.slack.com",
		"HTTPS://Hooks.Slack.com:443/x":                           "https://hooks.slack.com",
		"https://user:" + canary + "@example.com:8443/?" + canary: "https://example.com:8443",
		"http://127.0.0.1:8085/x":                                 "http://127.0.0.1:8085",
		"http://[::1]/x":                                          "http://[::1]",
		"http://localhost":                                        "http://localhost",
		"http://example.com/" + canary:                            "",
		"http://127.0.0.1.example.com/" + canary:                  "",
		"ftp://example.com/" + canary:                             "",
		"https:" + canary:                                         "",
		"https:///" + canary:                                      "",
		"/" + canary:                                              "",
		"https://exa mple/" + canary:                              "",
		"https://ex\u0430mple.com/" + canary:                      "",
		"https://example.com:" + canary:                           "",
		"https://example.com/%zz" + canary:                        "",
		"https://" + canary + "\x7f":                              "",
		"unix:///var/run/docker.sock/" + canary:                   "",
		"https://example.com\r\nX: " + canary:                     "",
		"":                                                        "",
	} {
		got, err := web.Origin(text)
		if want == "" {
			wantError(t, err, web.ErrRefused)
			wantError(t, err, connectors.ErrConfig)
		} else if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOnlyItsOrigins(t *testing.T) {
	client, err := web.New(web.Options{Origins: []string{"https://example.com", "https://127.0.0.1:9"}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"https://example.com.evil.test/", "https://example.com:8443/", "http://127.0.0.1:9/", "https://example.org/",
		"https://sub.example.com/", "https://example.com@evil.test/", "https://evil.test/https://example.com",
	} {
		_, err := client.Do(t.Context(), post(url+canary))
		wantError(t, err, web.ErrRefused)
	}
	for _, origin := range []string{"https://example.com/" + canary, "https://u:" + canary + "@example.com", "http://example.com", "example.com"} {
		_, err := web.New(web.Options{Origins: []string{origin}, Now: now})
		wantError(t, err, web.ErrRefused)
	}
}

func TestRequestPrintsNoSecret(t *testing.T) {
	r := web.Request{Method: "POST", URL: "https://u:" + canary + "@h.example/" + canary, Header: http.Header{"A": {canary}}, Body: []byte(canary)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, r); got != "POST https://h.example" {
			t.Errorf("%s gives %q", verb, got)
		}
	}
	if got := r.LogValue().String(); got != "POST https://h.example" {
		t.Errorf("logged as %q", got)
	}
}

// names answers every question about an address with one address, as a name
// server would.
func names(t *testing.T, ip net.IP) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { server.Close(); <-ended })
	go func() {
		defer close(ended)
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(answer(buffer[:n], ip), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answer makes the reply to one question of DNS: the address if it is of the
// family asked for, else nothing.
func answer(question []byte, ip net.IP) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root, type and class
	kind, data := uint16(28), []byte(ip.To16())
	if four := ip.To4(); four != nil {
		kind, data = 1, four
	}
	reply := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(reply[2:], 0x8180)
	binary.BigEndian.PutUint16(reply[6:], 0)
	binary.BigEndian.PutUint16(reply[8:], 0)
	binary.BigEndian.PutUint16(reply[10:], 0)
	if binary.BigEndian.Uint16(question[end-4:]) != kind {
		return reply
	}
	binary.BigEndian.PutUint16(reply[6:], 1)
	reply = append(reply, 0xc0, 12)
	reply = binary.BigEndian.AppendUint16(reply, kind)
	reply = append(reply, 0, 1, 0, 0, 0, 60)
	reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
	return append(reply, data...)
}

func TestAddressesAreGuarded(t *testing.T) {
	for _, test := range []struct{ name, ip, says string }{
		{"hooks.example", "169.254.169.254", "link-local"},
		{"hooks.example", "fe80::1", "link-local"},
		{"hooks.example", "::ffff:169.254.169.254", "link-local"},
		{"hooks.example", "64:ff9b::a9fe:a9fe", "link-local"},
		{"hooks.example", "2002:a9fe:a9fe::1", "link-local"},
		{"hooks.example", "fd00:ec2::254", "credentials"},
		{"hooks.example", "100.100.100.200", "credentials"},
		{"hooks.example", "127.0.0.1", "this machine"},
		{"hooks.example", "127.9.9.9", "this machine"},
		{"hooks.example", "::1", "this machine"},
		{"hooks.example", "0.0.0.0", "no address"},
		{"hooks.example", "::", "no address"},
		{"hooks.example", "224.0.0.1", "many machines"},
		{"hooks.example", "ff02::1", "many machines"},
		{"app.localhost", "192.0.2.1", "another machine"},
	} {
		t.Run(test.ip, func(t *testing.T) {
			url := "https://" + test.name
			client, err := web.New(web.Options{Origins: []string{url}, Now: now, Resolver: names(t, net.ParseIP(test.ip))})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Do(t.Context(), post(url+"/"+canary))
			wantError(t, err, web.ErrRefused)
			if errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
	for _, url := range []string{"https://169.254.169.254", "https://[fe80::1]", "https://0.0.0.0"} {
		client, err := web.New(web.Options{Origins: []string{url}, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(t.Context(), post(url+"/latest/"+canary))
		wantError(t, err, web.ErrRefused)
	}
}
