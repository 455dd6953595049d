package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/builtin"
)

// guideServices are the services of the guide, each under its own path.
func guideServices(t *testing.T) http.Handler {
	reply := func(kind, format string, args ...any) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprintf(w, format, args...)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		body, q := string(raw), r.URL.Query()
		answer := reply("text/plain", "%s", r.URL.Path)
		switch {
		case r.URL.Path == "/billing/v1/invoices" && q.Get("since") == "2026-11-03T00:00:00Z":
			answer = reply("application/json", `{"data":[{"id":3,"total":9900,"changed":1793664000}],"next_cursor":null}`)
		case r.URL.Path == "/billing/v1/invoices" && q.Get("cursor") == "":
			answer = reply("application/json", `{"data":[{"id":1,"total":1234,"changed":1793491200},{"id":2,"total":50,"changed":1793577600}],"next_cursor":"c2"}`)
		case r.URL.Path == "/billing/v1/invoices":
			answer = reply("application/json", `{"data":[{"id":3,"total":9900,"changed":1793664000}],"next_cursor":null}`)
		case r.URL.Path == "/meters/readings" && q.Get("limit") == "2" && !q.Has("after"):
			answer = reply("application/json", `{"data":[{"id":1,"used":10.5},{"id":2,"used":0.25}],"errors":[]}`)
		case r.URL.Path == "/meters/readings" && q.Get("limit") == "2" && q.Get("after") == "2":
			answer = reply("application/json", `{"data":[{"id":3,"used":7}]}`)
		case r.URL.Path == "/ledger/export" && strings.HasSuffix(body, `<export format="full"></export>`):
			answer = reply("text/xml", `<Ledger xmlns="urn:l"><Property><PropertyID>p1</PropertyID><Customer><CustomerID>t1</CustomerID><Entries><Charge><Detail><id>1</id><amount>1450.00</amount></Detail></Charge><Payment><Detail><id>2</id><amount>-0.10</amount></Detail></Payment></Entries></Customer></Property><Property><PropertyID>p2</PropertyID><Customer><CustomerID>t9</CustomerID><Entries><Charge><Detail><id>3</id><amount>7</amount></Detail></Charge></Entries></Customer></Property></Ledger>`)
		case r.URL.Path == "/projects/graphql" && strings.Contains(body, `"variables":{}`):
			answer = reply("application/json", `{"data":{"bills":{"nodes":[{"id":"b1","amount":10},{"id":"b2","amount":"20.50"}],"pageInfo":{"endCursor":"x","hasNextPage":true}}}}`)
		case r.URL.Path == "/projects/graphql" && strings.Contains(body, `"variables":{"after":"x"}`):
			answer = reply("application/json", `{"data":{"bills":{"nodes":[{"id":"b3","amount":-3}],"pageInfo":{"endCursor":"y","hasNextPage":false}}}}`)
		case r.URL.Path == "/voyager/Itf.asmx" && strings.Contains(body, "<PropertyId>elm</PropertyId><FromDate>01/01/2026</FromDate>"):
			answer = reply("text/xml", soapAnswer, `<Charge><Id>1</Id><Amount>1450.00</Amount><Date>10/31/2026</Date></Charge><Charge><Id>2</Id><Amount>20</Amount><Date>11/02/2026</Date></Charge>`)
		case r.URL.Path == "/voyager/Itf.asmx" && strings.Contains(body, "<PropertyId>oak</PropertyId><FromDate>01/01/2026</FromDate>"):
			answer = reply("text/xml", soapAnswer, `<Charge><Id>3</Id><Amount>900</Amount><Date>11/20/2026</Date></Charge>`)
		case r.URL.Path == "/voyager/Itf.asmx" && strings.Contains(body, "<PropertyId>elm</PropertyId><FromDate>11/02/2026</FromDate>"):
			answer = reply("text/xml", soapAnswer, `<Charge><Id>2</Id><Amount>20</Amount><Date>11/02/2026</Date></Charge><Charge><Id>4</Id><Amount>5</Amount><Date>11/03/2026</Date></Charge>`)
		case r.URL.Path == "/voyager/Itf.asmx" && strings.Contains(body, "<PropertyId>ash</PropertyId><FromDate>01/01/2026</FromDate>"):
			answer = reply("text/xml", soapAnswer, `<Charge><Id>5</Id><Amount>1</Amount><Date>02/01/2026</Date></Charge>`)
		case r.URL.Path == "/voyager/Itf.asmx" && strings.Contains(body, "<PropertyId>oak</PropertyId><FromDate>11/20/2026</FromDate>"):
			answer = reply("text/xml", soapAnswer, ``)
		default:
			t.Errorf("nobody answers %s %s %s", r.Method, r.URL, body)
			w.WriteHeader(http.StatusTeapot)
		}
		answer(w)
	})
}

const soapAnswer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetChargesResponse xmlns="http://tempuri.org/Itf"><GetChargesResult><Charges xmlns="">%s</Charges></GetChargesResult></GetChargesResponse></s:Body></s:Envelope>`

// The guide of services is run from top to bottom against services on this
// machine; then a property is added, and each goes on where it was.
func TestGuideServices(t *testing.T) {
	s := httptest.NewServer(guideServices(t))
	defer s.Close()
	blocks, _ := fencesOf(t, "../../docs/guides/services.md")
	dir, ids, shown, compared, project := writeProject(t, nil), 0, "", 0, ""
	host := regexp.MustCompile(`https://([a-z]+)\.example\.com`)
	for _, b := range blocks {
		switch b.kind {
		case "yaml":
			name, text := "tieout", host.ReplaceAllString(b.text, s.URL+"/$1")
			if rest, is := strings.CutPrefix(b.text, "pipeline: "); is {
				name, _, _ = strings.Cut(rest, "\n")
			} else {
				project = text
				removePipelines(t, dir)
			}
			put(t, filepath.Join(dir, name+".yaml"), text)
		case "sh":
			shown = serviceCommand(t, dir, &ids, b.at(), strings.TrimPrefix(strings.TrimSpace(b.text), "tieout "))
		case "sql":
			shown = guideQuery(t, filepath.Join(dir, "warehouse.db"), b.text)
		case "text":
			compared++
			if !strings.HasPrefix(shown, b.text) {
				t.Errorf("%s: it shows\n%s", b.at(), shown)
			}
		}
		if strings.Contains(b.text, "state show charges") {
			onward(t, dir, &ids, project)
			project = ""
		}
	}
	serviceCommand(t, dir, &ids, "the last project", "validate")
	if compared < 6 {
		t.Errorf("only %d outputs were compared", compared)
	}
}

// onward adds a property and runs the pipeline again.
func onward(t *testing.T, dir string, ids *int, project string) {
	t.Helper()
	put(t, filepath.Join(dir, "tieout.yaml"), strings.Replace(project, "[elm, oak]", "[elm, oak, ash]", 1))
	serviceCommand(t, dir, ids, "onward", "run charges")
	got := guideQuery(t, filepath.Join(dir, "warehouse.db"), "select Id, property from charges order by Id")
	if want := "1 | elm\n2 | elm\n3 | oak\n4 | elm\n5 | ash\n"; got != want {
		t.Errorf("after a property was added:\n%swant\n%s", got, want)
	}
	if got := serviceCommand(t, dir, ids, "onward", "state show charges"); !strings.Contains(got, "the greatest of 3 parts") {
		t.Errorf("state show: %s", got)
	}
}

func removePipelines(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// serviceCommand is guideCommand where every variable of the environment is
// set.
func serviceCommand(t *testing.T, dir string, ids *int, at, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	exit := Main(context.Background(), World{Args: append([]string{"-C", dir}, strings.Fields(command)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) (string, bool) {
			return "value of " + name, strings.Contains(name, "_") && !strings.HasPrefix(name, "TIEOUT")
		},
		Now:     func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		NewID:   func() string { *ids++; return fmt.Sprintf("%08d-0000-7000-8000-000000000000", *ids) },
		Version: "test", Registry: builtin.Registry()})
	if exit != 0 {
		t.Errorf("%s: tieout %s exits %d\n%s%s", at, command, exit, out.String(), errs.String())
	}
	return out.String()
}
