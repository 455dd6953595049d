package auth

import (
	"strings"
	"testing"
)

// Whatever a token server writes, what is taken from it fits a header, and
// words for messages are the standard's kind.
func FuzzReadTokens(f *testing.F) {
	for _, text := range []string{"", "{}", "[]", "null", `{"access_token":"a","expires_in":3600,"refresh_token":"r","scope":"x y"}`, `{"access_token":"a\r\nX: y"}`,
		`{"error":"invalid_grant","error_description":"no"}`, `{"error":{"code":"tokenInvalid"}}`, `{"access_token":1,"expires_in":"60"}`, `{"expires_in":-1}`, `{"expires_in":1e99}`,
		`{"access_token":"a","access_token":"b"}`, strings.Repeat("[", 100_000), `{"x":` + strings.Repeat(`{"x":`, 20_000)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := readTokens(body)
		if strings.ContainsAny(got.access+got.refresh, "\r\n\x00") || len(got.access) > mostToken || strings.Trim(got.problem, "abcdefghijklmnopqrstuvwxyz_") != "" || got.life < 0 || got.refreshLife < 0 {
			t.Errorf("%q gives %+v", body, got)
		}
		if got.odd != "" && got.access+got.refresh != "" {
			t.Errorf("%q gives tokens though it is odd", body)
		}
	})
}
