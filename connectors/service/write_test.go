package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/sandbox/books"
	"github.com/tieout/tieout/schemas/record"
)

// billShape is what the tests send: a document with lines.
func billShape() *record.Shape {
	lines := record.NewField("lines", record.List)
	amount := record.NewField("amount", record.Decimal)
	amount.Scale = 2
	lines.Child = record.MustShape(record.NewField("account", record.Text), record.NewField("text", record.Text), amount)
	total := amount
	total.Name = "total"
	return record.MustShape(record.NewField("number", record.Text), record.NewField("date", record.Date), record.NewField("customer", record.Text), total, lines)
}

const billRecord = `{"number":"R-1","date":"2026-03-01","customer":"c \"1\" & <co>","total":"1234567890123456789012345678.90","lines":[{"account":"4000","text":"Rent","amount":"1234567890123456789012345678.00"},{"account":"4010","text":null,"amount":"0.90"}]}`

func billOf(op connectors.Operation) connectors.Document {
	return connectors.Document{Key: "R-1", Fields: []string{"R-1"}, Record: []byte(billRecord), Operation: op, IntentKey: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Mark: "ABCDEFGHIJKLMNOP"}
}

// outletOf opens the stream bills of a connection.
func (s *service) outletOf(t testing.TB, yaml string) (connectors.Outlet, error) {
	t.Helper()
	c, found := decode(t, strings.ReplaceAll(yaml, "URL", s.URL))
	if found.Errors() > 0 {
		t.Fatalf("the settings are wrong: %v", found)
	}
	env := connectors.Env{Now: s.clock.now, Limits: connectors.DefaultLimits()}
	tg, err := newTarget(env, c.settings(), newShelf(), s.clock.tools())
	if err != nil {
		t.Fatal(err)
	}
	o, err := tg.Open(context.Background(), connectors.Load{Stream: "bills", Shape: billShape(), Key: []string{"number"}})
	if err == nil {
		t.Cleanup(func() { o.Close() })
	}
	return o, err
}

// deliver sends one document as a courier does.
func deliver(t testing.TB, o connectors.Outlet, d connectors.Document) (connectors.Delivery, error) {
	t.Helper()
	if err := o.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	return o.Send(context.Background(), d)
}

// theBooks is a stand-in for an accounting service, and a connection to it.
func theBooks(t testing.TB) (*books.Server, *service, string) {
	b := books.New(newClock().now)
	s := serve(t, b.ServeHTTP)
	_, yaml, _ := strings.Cut(books.Definition("URL", "acme", "bills"), "connector: http\n")
	return b, s, strings.ReplaceAll("\n"+yaml, "\n    ", "\n")
}

func TestDocumentsAreMadeChangedAndVoided(t *testing.T) {
	b, s, yaml := theBooks(t)
	o, err := s.outletOf(t, yaml)
	if err != nil {
		t.Fatal(err)
	}
	d := billOf(connectors.Create)
	made, err := deliver(t, o, d)
	if err != nil || made.Outcome != connectors.Confirmed || made.ID != "1001" || made.Version != "0" || made.Replayed {
		t.Fatalf("%+v, %v", made, err)
	}
	if again, err := deliver(t, o, d); err != nil || !again.Replayed || again.ID != "1001" {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	d.Operation, d.ID, d.Version, d.IntentKey = connectors.Update, "1001", "7", "B"
	if stale, err := deliver(t, o, d); err != nil || stale.Outcome != connectors.Stale {
		t.Errorf("with another version: %+v, %v", stale, err)
	}
	if found, there, err := o.Find(context.Background(), d); err != nil || !there || found.Version != "0" {
		t.Errorf("found %+v, %v, %v", found, there, err)
	}
	d.Version, d.IntentKey = "0", "C"
	if changed, err := deliver(t, o, d); err != nil || changed.Version != "1" {
		t.Errorf("changed: %+v, %v", changed, err)
	}
	d.Operation, d.Version, d.IntentKey = connectors.Void, "1", "D"
	if void, err := deliver(t, o, d); err != nil || void.Version != "2" {
		t.Errorf("voided: %+v, %v", void, err)
	}
	got := b.Documents()
	if len(got) != 1 || !got[0].Voided || got[0].Total.String() != "1234567890123456789012345678.90" || got[0].Customer != `c "1" & <co>` || len(got[0].Lines) != 2 || got[0].Lines[1].Amount.String() != "0.90" {
		t.Errorf("the service has %+v", got)
	}
}

const plainBills = `base_url: URL
streams:
  bills:
    write:
      accepts: { number: text, date: date, customer: text, total: decimal, lines: { type: list, fields: { account: text, text: text, amount: decimal } } }
      %s
      create: { request: { path: /bills }, body: { n: =record.number, t: =record.total, l: { each: =record.lines, a: =line.amount } }, id: id }
      update: { request: { method: PUT, path: "/bills/{link.id}" }, body: { t: =record.total }, id: id }
`

// What replies mean for a document.
func TestRepliesToDocuments(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := map[string]struct {
		rules  string
		answer http.HandlerFunc
		want   connectors.Outcome // "" is an error that says that nothing was taken
		reason string
	}{
		"taken":                      {"", status(201, `{"id": 7}`), connectors.Confirmed, ""},
		"taken without a name":       {"", status(200, `{}`), connectors.Unknown, "does not say what the document is called"},
		"a page for people":          {"", status(200, `<html>sign in</html>`), connectors.Unknown, "web page"},
		"refused":                    {"", status(400, `{"message":"account 9 is not known"}`), connectors.Refused, "sink.refused: account 9 is not known"},
		"refused, as QuickBooks":     {"", status(400, `{"Fault":{"Error":[{"Message":"m","Detail":"no such item","code":"2500"}]}}`), connectors.Refused, "no such item"},
		"refused, as Xero":           {"", status(400, `{"Elements":[{"ValidationErrors":[{"Message":"code '9' is not valid"}]}]}`), connectors.Refused, "code '9' is not valid"},
		"refused in a 200":           {`replies: [{ if: '=reply.body.ok == false', is: record, message: =reply.body.why }]`, status(200, `{"ok":false,"why":"no"}`), connectors.Refused, "no"},
		"a closed period":            {`replies: [{ status: 422, is: closed_period }]`, status(422, `{"error":{"message":"March"}}`), connectors.Refused, "its period is closed: March"},
		"there is one already":       {`replies: [{ status: 409, is: duplicate }]`, status(409, `{}`), connectors.Duplicate, ""},
		"a conflict":                 {"", status(409, `{"detail":"in use"}`), connectors.Refused, "in use"},
		"another version":            {"", status(412, ``), connectors.Stale, ""},
		"too many":                   {"", status(429, ``), connectors.Later, ""},
		"closed for now":             {"", status(503, ``), connectors.Later, ""},
		"broken":                     {"", status(500, `oops`), connectors.Unknown, "status 500 oops"},
		"a gateway gave up":          {"", status(504, ``), connectors.Unknown, ""},
		"an origin gave up":          {"", status(524, ``), connectors.Unknown, ""},
		"broken, and known to be so": {`replies: [{ status: 500, if: '=reply.text contains "deadlock"', is: retry }]`, status(500, `deadlock`), connectors.Unknown, ""},
		"cut":                        {"", cut, connectors.Unknown, "ended before the reply"},
		"cut inside": {"", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
			w.(http.Flusher).Flush()
			cut(w, r)
		}, connectors.Unknown, ""},
		"not known":     {"", status(401, ``), "", "credentials"},
		"not allowed":   {"", status(403, ``), "", "do not allow"},
		"not for this":  {"", status(405, ``), "", "POST URL/bills: "},
		"not that kind": {"", status(415, ``), "", "415"},
		"not built":     {"", status(501, ``), "", "501"},
		"by a proxy":    {"", status(407, ``), "", "407"},
		"no such thing": {"", status(404, `{"message":"no customer c1"}`), connectors.Refused, "no customer c1 (status 404 Not Found of POST URL/bills)"},
		"nothing there": {"", status(410, ``), connectors.Refused, "base_url or the path of the request is wrong"},
		"locked":        {"", status(423, `{"message":"in use"}`), connectors.Refused, "in use (status 423 Locked of POST URL/bills)"},
		"out of order":  {"", status(428, ``), connectors.Stale, ""},
		"it has moved": {"", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/x", http.StatusTemporaryRedirect)
		}, "", "leads to http://127.0.0.1:1"},
		"it is maintained":     {`replies: [{ status: 502, is: maintenance }]`, status(502, ``), "", "maintained"},
		"our request is wrong": {`replies: [{ status: 400, is: bug }]`, status(400, ``), "", "the request is wrong"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.answer)
			o, err := s.outletOf(t, fmt.Sprintf(plainBills, test.rules))
			if err != nil {
				t.Fatal(err)
			}
			got, err := deliver(t, o, billOf(connectors.Create))
			got.Reason = strings.ReplaceAll(got.Reason, s.URL, "URL")
			if test.want == "" {
				if !errors.Is(err, connectors.ErrNotSent) || !strings.Contains(strings.ReplaceAll(err.Error(), s.URL, "URL"), test.reason) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || got.Outcome != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("%+v, %v; want %s with %q", got, err, test.want, test.reason)
			}
		})
	}
}

// A document that is linked and is not there any more is refused with the way
// out, and stops no other.
func TestALinkedDocumentIsGone(t *testing.T) {
	for code, rules := range map[int]string{404: "", 410: "", 400: `replies: [{ status: 400, is: gone }]`} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"message":"no bill 7"}`)
		})
		o, err := s.outletOf(t, fmt.Sprintf(plainBills, rules))
		if err != nil {
			t.Fatal(err)
		}
		d := billOf(connectors.Update)
		d.ID = "7"
		got, err := deliver(t, o, d)
		want := fmt.Sprintf("sink.refused: the document is not in the service any more, where it was \"7\"; `tieout links remove` with its key lets the next change make it anew: no bill 7 (status %d %s of PUT %s/bills/7)", code, http.StatusText(code), s.URL)
		if err != nil || got.Outcome != connectors.Refused || got.Reason != want {
			t.Errorf("%d: %+v, %v", code, got, err)
		}
	}
}

// What proves that nothing was sent, and what does not.
func TestNothingWasSent(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	s := &service{Server: dead, clock: newClock()}
	o, err := s.outletOf(t, fmt.Sprintf(plainBills, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := deliver(t, o, billOf(connectors.Create)); !errors.Is(err, connectors.ErrNotSent) {
		t.Errorf("nobody listens: %+v, %v", got, err)
	}
	late := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	o, err = late.outletOf(t, "idle: 50ms\n"+fmt.Sprintf(plainBills, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := deliver(t, o, billOf(connectors.Create)); err != nil || got.Outcome != connectors.Unknown {
		t.Errorf("no answer in time: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stops := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	o, err = stops.outletOf(t, fmt.Sprintf(plainBills, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := o.Send(ctx, billOf(connectors.Create)); err != nil || got.Outcome != connectors.Unknown {
		t.Errorf("stopped while it waited: %+v, %v", got, err)
	}
}

// A token that was refused is asked for once more, with the same bytes under
// the same key.
func TestATokenIsRenewedOnce(t *testing.T) {
	var keys, bodies []string
	tokens := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			tokens++
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token":"t%d","token_type":"bearer","expires_in":3600}`, tokens)
			return
		}
		raw, _ := io.ReadAll(r.Body)
		keys, bodies = append(keys, r.Header.Get("Idempotency-Key")), append(bodies, string(raw))
		if r.Header.Get("Authorization") != "Bearer t2" {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `{"id":"1"}`)
	})
	o, err := s.outletOf(t, "auth: { kind: oauth2, grant: client_credentials, token_url: URL/token, client_id: \"${secret:SECRET}\", client_secret: \"${secret:SECRET}\" }\n"+
		fmt.Sprintf(plainBills, "idempotency: { in: header, name: Idempotency-Key }"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := deliver(t, o, billOf(connectors.Create))
	if err != nil || got.Outcome != connectors.Confirmed || tokens != 2 {
		t.Fatalf("%+v, %v, %d tokens", got, err, tokens)
	}
	if len(keys) != 2 || keys[0] != keys[1] || bodies[0] != bodies[1] || keys[0] != billOf("").IntentKey {
		t.Errorf("the keys were %v and the bodies %v", keys, bodies)
	}
	want := `{"n":"R-1","t":1234567890123456789012345678.90,"l":[{"a":1234567890123456789012345678.00},{"a":0.90}]}`
	if bodies[0] != want {
		t.Errorf("the body was %s", bodies[0])
	}
}

// The limits are kept before a document is marked as sent.
func TestReadyKeepsTheLimits(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"1"}`) })
	o, err := s.outletOf(t, "limits: [{ requests: 2, per: 1m }]\n"+fmt.Sprintf(plainBills, ""))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := deliver(t, o, billOf(connectors.Create)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.clock.slept) != 1 || s.clock.slept[0] != time.Minute {
		t.Errorf("it slept %v", s.clock.slept)
	}
}

// Which of the documents found is ours.
func TestFind(t *testing.T) {
	const rules = `find: { request: { path: /bills, query: { n: =record.number } }, records: data, match: { n: =record.number }, id: id, version: v }`
	const marked = "mark: { field: note, max: 12 }\n      " + rules
	tests := map[string]struct {
		rules, reply string
		want         connectors.Delivery
		found, fails bool
	}{
		"none":                {rules, `{"data":[]}`, connectors.Delivery{}, false, false},
		"nothing at the path": {rules, `{}`, connectors.Delivery{}, false, false},
		"one":                 {rules, `{"data":[{"id":"7","v":3,"n":"R-1"}]}`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "7", Version: "3", Replayed: true}, true, false},
		"a single one":        {rules, `{"data":{"id":7,"n":"R-1"}}`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "7", Replayed: true}, true, false},
		"more than asked for": {rules, `{"data":[{"id":"7","n":"R-11"},{"id":"8","n":"R-1"}]}`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "8", Replayed: true}, true, false},
		"several":             {rules, `{"data":[{"id":"7","n":"R-1"},{"id":"8","n":"R-1"}]}`, connectors.Delivery{Outcome: connectors.Unknown, Reason: "the service has 2 documents like it"}, true, false},
		"without a name":      {rules, `{"data":[{"n":"R-1"}]}`, connectors.Delivery{}, false, true},
		"no JSON":             {rules, `ok`, connectors.Delivery{}, false, true},
		"ours":                {marked, `{"data":[{"id":"7","n":"R-1"},{"id":"8","n":"R-1","note":"x ABCDEFGHIJKL"}]}`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "8", Replayed: true}, true, false},
		"a stranger's":        {marked, `{"data":[{"id":"7","n":"R-1","note":"ABCDEFGHIJKX"}]}`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "7", Replayed: true, Foreign: true}, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, typed("application/json", test.reply))
			yaml := fmt.Sprintf(plainBills, test.rules)
			o, err := s.outletOf(t, strings.Replace(yaml, "n: =record.number, t:", "n: =record.number, note: =intent.mark, t:", 1))
			if err != nil {
				t.Fatal(err)
			}
			got, found, err := o.Find(context.Background(), billOf(connectors.Create))
			if (err != nil) != test.fails || found != test.found {
				t.Fatalf("%+v, %v, %v", got, found, err)
			}
			if diff := cmp.Diff(test.want, got); found && diff != "" {
				t.Error(diff)
			}
			if s.asked[0] != "GET /bills?n=R-1" {
				t.Errorf("asked %v", s.asked)
			}
		})
	}
}

// A question the service does not take is about one document, and leaves it in
// doubt; one it takes from nobody is about all.
func TestFindIsRefused(t *testing.T) {
	const rules = `find: { request: { path: /bills, query: { n: =record.number } }, records: data, match: { n: =record.number }, id: id }`
	for code, alone := range map[int]bool{400: true, 422: true, 404: true, 401: false, 403: false, 500: false} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":"bad number"}`)
		})
		o, err := s.outletOf(t, fmt.Sprintf(plainBills, rules))
		if err != nil {
			t.Fatal(err)
		}
		got, found, err := o.Find(context.Background(), billOf(connectors.Create))
		if found != alone || (err == nil) != alone || alone && (got.Outcome != connectors.Unknown || !strings.Contains(got.Reason, fmt.Sprint("status ", code))) {
			t.Errorf("%d: %+v, %v, %v", code, got, found, err)
		}
	}
}
