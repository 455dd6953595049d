package books_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/sandbox/books"
)

// TestAnswers goes through what the service takes and refuses, in order.
func TestAnswers(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	b := books.New(func() time.Time { return now })
	b.CloseUntil("2026-02-28")
	const bill = `{"number":"B-1","date":"2026-03-01","customer":"c","total":10.10,"lines":[{"account":"1","amount":"10"},{"account":"2","amount":0.10}]}`
	tests := []struct {
		name, method, path, key, version, body string
		status                                 int
		reply                                  string
	}{
		{"made", "POST", "acme/bills", "k1", "", bill, 201, `"id":"1001","version":"0"`},
		{"sent again", "POST", "acme/bills", "k1", "", bill, 201, `"id":"1001","version":"0"`},
		{"the key for something else", "POST", "acme/bills", "k1", "", `{}`, 422, "key_reused"},
		{"the number again", "POST", "acme/bills", "k2", "", bill, 409, `number \"B-1\" is used by document 1001`},
		{"another company", "POST", "beta/bills", "k1", "", bill, 201, `"id":"1002"`},
		{"a sum that is wrong", "POST", "acme/bills", "", "", strings.Replace(strings.Replace(bill, "B-1", "B-2", 1), "0.10}", "0.1000000000000000001}", 1), 422, "the lines add up to 10.1000000000000000001 and not to 10.10"},
		{"no amount", "POST", "acme/bills", "", "", strings.Replace(strings.Replace(bill, "B-1", "B-2", 1), "10.10", `"x"`, 1), 422, `total \"x\" is no amount`},
		{"a closed period", "POST", "acme/bills", "", "", strings.Replace(strings.Replace(bill, "B-1", "B-2", 1), "03-01", "02-28", 1), 422, "closed_period"},
		{"no date", "POST", "acme/bills", "", "", `{"number":"B-2","date":"1 March"}`, 422, "date is not"},
		{"no JSON", "POST", "acme/bills", "", "", `<bill/>`, 400, "unreadable"},
		{"a journal out of balance", "POST", "acme/journals", "", "", `{"number":"J","date":"2026-03-01","lines":[{"amount":"1"},{"amount":"-0.99"}]}`, 422, "off by 0.01"},
		{"a journal", "POST", "acme/journals", "", "", `{"number":"J","date":"2026-03-01","lines":[{"amount":"1"},{"amount":"-1"}]}`, 201, `"id":"1003"`},
		{"another version", "PUT", "acme/bills/1001", "", "1", bill, 409, "stale"},
		{"changed", "PUT", "acme/bills/1001", "", "0", bill, 200, `"version":"1"`},
		{"not there", "PUT", "acme/bills/7", "", "0", strings.Replace(bill, "B-1", "B-2", 1), 404, "gone"},
		{"of another company", "PUT", "beta/bills/1001", "", "1", bill, 409, "duplicate"},
		{"voided", "POST", "acme/bills/1001/void", "", "1", "", 200, `"status":"void"`},
		{"voided again", "POST", "acme/bills/1001/void", "", "1", "", 200, `"version":"2"`},
		{"changed after that", "PUT", "acme/bills/1001", "", "2", bill, 422, "voided"},
		{"found", "GET", "acme/bills?number=B-1", "", "", "", 200, `{"data":[{"id":"1001"`},
		{"none of the number", "GET", "acme/bills?number=B-9", "", "", "", 200, `{"data":[]}`},
		{"no such kind", "GET", "acme/dreams", "", "", "", 404, "no_such_path"},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, "/companies/"+test.path, strings.NewReader(test.body))
		r.Header.Set("Idempotency-Key", test.key)
		r.Header.Set("If-Match", test.version)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.reply) {
			t.Errorf("%s: %d %s", test.name, w.Code, w.Body)
		}
	}
	now = now.Add(25 * time.Hour)
	r := httptest.NewRequest("POST", "/companies/acme/bills", strings.NewReader(bill))
	r.Header.Set("Idempotency-Key", "k1")
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, r); w.Code != 409 {
		t.Errorf("a key that is forgotten: %d %s", w.Code, w.Body)
	}
}

func TestScriptAndXML(t *testing.T) {
	b := books.New(time.Now)
	s := httptest.NewServer(b)
	defer s.Close()
	send := func() (*http.Response, error) {
		return http.Post(s.URL+"/companies/acme/customers", "application/xml", strings.NewReader(`<customer><number>7</number><note>a &amp; b</note></customer>`)) //nolint:bodyclose // below
	}
	b.Script(books.Fault{Status: 503, RetryAfter: "2"}, books.Fault{After: true, Cut: true})
	if r, err := send(); err != nil || r.StatusCode != 503 || r.Header.Get("Retry-After") != "2" || len(b.Documents()) != 0 {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := send(); err == nil || len(b.Documents()) != 1 {
		t.Errorf("%v, %v", r, err)
	}
	r, err := send()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode != 409 || !strings.Contains(string(text), "<error><code>duplicate</code>") || b.Documents()[0].Note != "a & b" || b.Requests() != 3 {
		t.Errorf("%d %s, %+v", r.StatusCode, text, b.Documents())
	}
}
