package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
)

// A rule sees status, headers, text and body, and the first that fits counts.
func TestRepliesByPredicate(t *testing.T) {
	big := `{"data":[` + strings.Repeat(`{"id":1},`, 200000) + `{"id":2}],"state":{"code":"locked","why":"month is closed"}}`
	tests := map[string]struct {
		rules, body string
		status      int
		rows        int
		tries       int
		words       string // of the error
		kind        error
	}{
		"an error in a 200":                {`{if: '=reply.body.ok == false', is: bug, message: =reply.body.error.text}`, `{"ok":false,"error":{"text":"no such year"}}`, 200, 0, 1, `status 200 (OK) and said "no such year"`, connectors.ErrData},
		"nothing of the rule is there":     {`{if: '=reply.body.ok == false', is: bug}`, `{"data":[{"id":1}]}`, 200, 1, 1, "", nil},
		"or":                               {`{if: '=reply.text contains "sorry" or reply.body.code == 5', is: maintenance}`, `{"data":[],"note":"sorry"}`, 200, 0, 1, "is being maintained", connectors.ErrEnvironment},
		"a number":                         {`{if: '=reply.body.code >= 5', is: stop}`, `{"data":[],"code":7}`, 200, 0, 1, "check the credentials", connectors.ErrEnvironment},
		"a header":                         {`{if: '=reply.headers["X-Mode"] == "down"', is: maintenance}`, `{"data":[]}`, 200, 0, 1, "is being maintained", connectors.ErrEnvironment},
		"first wins":                       {`{if: '=reply.text contains "data"', is: ok}, {status: 200, is: stop}`, `{"data":[{"id":1}]}`, 200, 1, 1, "", nil},
		"empty":                            {`{if: '=reply.body.code == "none"', is: empty}`, `{"code":"none"}`, 200, 0, 1, "", nil},
		"gone":                             {`{status: 404, is: gone}`, `{}`, 404, 0, 1, "", nil},
		"retry":                            {`{if: '=reply.text contains "deadlock"', is: retry}`, `{"error":"deadlock"}`, 200, 0, 6, "tried 6 times", connectors.ErrEnvironment},
		"unknown is tried again":           {`{status: 524, is: unknown}`, ``, 524, 0, 6, "tried 6 times", connectors.ErrEnvironment},
		"only this status":                 {`{status: 409, if: '=reply.text contains "x"', is: ok}`, `{"data":"x"}`, 400, 0, 1, "status 400", connectors.ErrData},
		"a closed period":                  {`{if: '=reply.body.code == "PERIOD"', is: closed_period, message: '="period " + reply.body.p'}`, `{"code":"PERIOD","p":"2026-01"}`, 422, 0, 1, `said "period 2026-01"; replies: of the connection calls this closed_period`, connectors.ErrData},
		"a list is its first element":      {`{if: '=reply.body.faults != nil', is: stop, message: =reply.body.faults.text}`, `{"faults":[{"text":"one"},{"text":"two"}]}`, 200, 0, 1, `said "one"`, connectors.ErrEnvironment},
		"a list that is not there":         {`{if: '=reply.body.faults != nil', is: stop, message: =reply.body.faults.text}`, `{"data":[{"id":1}]}`, 200, 1, 1, "", nil},
		"in XML":                           {`{if: '=reply.body.status == "failure"', is: stop, message: =reply.body.status}`, `<response><status>failure</status></response>`, 200, 0, 1, `said "failure"`, connectors.ErrEnvironment},
		"secrets and line ends":            {`{if: '=reply.text contains "bad"', is: bug, message: =reply.text}`, "bad\n\ttoken " + canary + " \u202e!", 400, 0, 1, `said "bad token *** !"`, connectors.ErrData},
		"a page longer than what is seen":  {`{if: '=reply.body.state.code == "locked"', is: stop, message: =reply.body.state.why}`, big, 200, 0, 1, `said "month is closed"`, connectors.ErrEnvironment},
		"errors of GraphQL":                {``, `{"data":{"x":null},"errors":[{"message":"no field y","path":["x"]}]}`, 200, 0, 1, `said "no field y"`, connectors.ErrEnvironment},
		"errors of GraphQL, nothing else":  {``, `{"errors":[{"message":"syntax"}]}`, 200, 0, 1, `said "syntax"`, connectors.ErrEnvironment},
		"errors of GraphQL, none":          {``, `{"data":[{"id":1}],"errors":[]}`, 200, 1, 1, "", nil},
		"any of a list":                    {`{if: '=any(reply.body.faults, .extensions.code == "LOCKED" or .n > 8)', is: maintenance}`, `{"data":[],"faults":[{"n":1},{"n":2,"extensions":{"code":"LOCKED"}}]}`, 200, 0, 1, "is being maintained", connectors.ErrEnvironment},
		"none of a list":                   {`{if: '=any(reply.body.faults, .code == "LOCKED")', is: maintenance}`, `{"data":[{"id":1}],"faults":[{"n":1},{"code":"x"}]}`, 200, 1, 1, "", nil},
		"a list without what is asked for": {`{if: '=any(reply.body.faults, .n == 1 or .extensions.code == "LOCKED")', is: maintenance}`, `{"data":[{"id":1}],"faults":[{"n":1},{"n":2}]}`, 200, 0, 1, "is being maintained", connectors.ErrEnvironment},
		"a list that is empty":             {`{if: '=any(reply.body.faults, .n == 1)', is: stop}, {if: '=count(reply.body.faults) == 0', is: empty}`, `{"data":[{"id":1}],"faults":[]}`, 200, 0, 1, "", nil},
		"any of a list that is not there":  {`{if: '=any(reply.body.faults, .n == 1)', is: stop}`, `{"data":[{"id":1}]}`, 200, 1, 1, "", nil},
		"a list of texts is there":         {`{if: '=reply.body.faults != nil', is: stop}`, `{"data":[{"id":1}],"faults":["x"]}`, 200, 0, 1, "check the credentials", connectors.ErrEnvironment},
		"a list of objects is there":       {`{if: '=reply.body.faults != nil', is: stop}`, `{"data":[{"id":1}],"faults":[{"x":[]}]}`, 200, 0, 1, "check the credentials", connectors.ErrEnvironment},
		"how long a list is":               {`{if: '=count(reply.body.faults) > 1', is: stop}`, `{"data":[{"id":1}],"faults":[{"x":1},{"x":"2"}]}`, 200, 0, 1, "check the credentials", connectors.ErrEnvironment},
		"a list of one":                    {`{if: '=any(reply.body.faults, .code == "LOCKED")', is: maintenance, message: '=first(reply.body.faults, .text)'}`, `{"data":[],"faults":{"code":"LOCKED","text":"closing"}}`, 200, 0, 1, `said "closing"; the service is being maintained`, connectors.ErrEnvironment},
		"a list of one in XML":             {`{if: '=any(reply.body.Errors.Error, .Code == "E1")', is: maintenance, message: '=first(reply.body.Errors.Error, .Text)'}`, `<r><Errors><Error><Code>E1</Code><Text>closed</Text></Error></Errors></r>`, 200, 0, 1, `said "closed"; the service`, connectors.ErrEnvironment},
		"a list of two in XML":             {`{if: '=any(reply.body.Errors.Error, .Code == "E1")', is: maintenance, message: '=count(reply.body.Errors.Error)'}`, `<r><Errors><Error><Code>E0</Code></Error><Error><Code>E1</Code></Error></Errors></r>`, 200, 0, 1, "is being maintained", connectors.ErrEnvironment},
		"a list of one, joined":            {`{if: '=reply.body.faults != nil', is: maintenance, message: '=join(reply.body.faults, .text, ", ")'}`, `{"data":[],"faults":{"text":"closing"}}`, 200, 0, 1, `said "closing"; the service`, connectors.ErrEnvironment},
		"a text in place of a list":        {`{if: '=any(reply.body.faults, .code == "LOCKED")', is: maintenance}`, `{"data":[],"faults":"x"}`, 200, 0, 1, "any needs a list", connectors.ErrData},
		"errors of GraphQL that are known": {`{if: '=reply.body.errors.code == "NEW"', is: empty}`, `{"data":null,"errors":[{"message":"x","code":"NEW"}]}`, 200, 0, 1, "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Mode", "down")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}), t.TempDir()
			out, err := readStream(s.source(t, "replies: ["+test.rules+"]\n"+plainYAML, dir), connectors.Read{})
			if len(s.asked) != test.tries {
				t.Errorf("%d requests, want %d", len(s.asked), test.tries)
			}
			if test.words != "" {
				wantNothing(t, out, err, test.kind, test.words, dir)
				return
			}
			if err != nil || len(out.rows) != test.rows {
				t.Errorf("%d rows, %v", len(out.rows), err)
			}
		})
	}
}

// A page that turns out to be an error at its end is asked for again, and the
// spool holds none of it.
func TestRetryOfWholePage(t *testing.T) {
	for _, n := range []int{150_000, 600_000} { // kept in memory while it arrives, and not
		tries := 0
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			tries++
			fmt.Fprintf(w, `{"data":[%s{"id":1}],"partial":%v}`, strings.Repeat(`{"id":0},`, n), tries < 3)
		})
		out, err := readStream(s.source(t, "replies: {if: =reply.body.partial, is: retry}\n"+plainYAML, t.TempDir()), connectors.Read{})
		if err != nil || len(out.rows) != n+1 || tries != 3 {
			t.Errorf("%d rows, %d tries, %v", len(out.rows), tries, err)
		}
	}
}

// What the service calls a request stands in the log and in errors, and an
// absurd time to wait is named.
func TestRequestIDs(t *testing.T) {
	status := 429
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "315360000")
		w.Header().Set("X-Request-Id", "req 7\tb")
		w.WriteHeader(status)
	})
	var log bytes.Buffer
	src := s.source(t, "request_id: X-Request-Id\n"+plainYAML, "").(*source)
	src.env.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, err := readStream(src, connectors.Read{})
	for _, words := range []string{"status 429", `(request "req 7 b")`, "asked to wait for 8760h0m0s, of which 5m0s is waited at once (wait_max)", "1h0m0s altogether"} {
		if !strings.Contains(fmt.Sprint(err), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
	if !strings.Contains(log.String(), `request="req 7 b"`) {
		t.Errorf("log %s", log.String())
	}
	wantSecret(t, err)
}

func TestCheckRequest(t *testing.T) {
	answer := `{"me":1}`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
	src := s.source(t, "check: {path: /me}\nreplies: {if: '=reply.body.error != nil', is: stop}\n"+plainYAML, "").(*source)
	if err := src.Check(context.Background()); err != nil || strings.Join(s.asked, " ") != "GET /me" {
		t.Errorf("asked %v, %v", s.asked, err)
	}
	answer = `{"error":"no"}`
	if err := src.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "check: ") {
		t.Errorf("error %v", err)
	}
}
