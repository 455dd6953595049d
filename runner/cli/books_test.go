package cli

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tieout/tieout/connectors/sandbox/books"
)

// shop is the accounting service of one script.
type shop struct {
	mu   sync.Mutex
	open map[string]*books.Server // by the folder of the script
}

// books drives an accounting service that lives as long as a script:
//
//	books open FILE [KIND...]    begins it, and adds its definition to a project
//	books next FAULT...          what happens to the next requests
//	books closed DATE            closes the books
//	books want TEXT...           compares the documents, one for each argument
//	books requests N             how many requests meant to change something
func (s *shop) books(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: books open|next|closed|want|requests ...")
	}
	if args[0] == "open" {
		s.begin(ts, args[1], args[2:])
		return
	}
	s.mu.Lock()
	b := s.open[ts.Getenv("WORK")]
	s.mu.Unlock()
	switch args[0] {
	case "next":
		for _, name := range args[1:] {
			b.Script(faultOf(ts, name))
		}
	case "closed":
		b.CloseUntil(args[1])
	case "want":
		var got []string
		for _, d := range b.Documents() {
			got = append(got, documentText(&d))
		}
		if a, b := strings.Join(got, "\n"), strings.Join(args[1:], "\n"); a != b {
			ts.Fatalf("the books hold\n%s\nand not\n%s", a, b)
		}
	case "requests":
		if got := strconv.Itoa(b.Requests()); got != args[1] {
			ts.Fatalf("%s requests meant to change something, not %s", got, args[1])
		}
	default:
		ts.Fatalf("books has no verb %q", args[0])
	}
}

func (s *shop) begin(ts *testscript.TestScript, file string, kinds []string) {
	b := books.New(time.Now)
	server := httptest.NewServer(b)
	ts.Defer(server.Close)
	ts.Setenv("BOOKS_URL", server.URL)
	s.mu.Lock()
	s.open[ts.Getenv("WORK")] = b
	s.mu.Unlock()
	path := ts.MkAbs(file)
	text, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, append(text, books.Definition(server.URL, "acme", kinds...)...), 0o644))
}

// faultOf reads cut, cut-after, 500, 500-after and so on.
func faultOf(ts *testscript.TestScript, name string) books.Fault {
	what, after := strings.CutSuffix(name, "-after")
	f := books.Fault{After: after, Cut: what == "cut"}
	if !f.Cut && what != "ok" {
		status, err := strconv.Atoi(what)
		ts.Check(err)
		f.Status = status
		f.RetryAfter = "1"
	}
	return f
}

func documentText(d *books.Document) string {
	text := fmt.Sprintf("%s %s %s %s %s v%s", d.Company, d.Kind, d.Number, d.Customer, d.Total, d.Version)
	if d.Voided {
		text += " void"
	}
	for _, l := range d.Lines {
		text += fmt.Sprintf(" %s:%s", l.Account, l.Amount)
	}
	return text
}
