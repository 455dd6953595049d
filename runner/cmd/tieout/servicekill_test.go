package main

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/sandbox/books"
)

// These tests kill the real binary while it sends documents to a service whose
// replies are lost now and then. In the end the service holds every document
// once, and what it refused is held for a person.

const killDocuments = 40

// bookScene is a service of one sort: what of its definition is left out.
type bookScene struct {
	name string
	omit string // a line of the definition begins so
}

func bookScenes() []bookScene {
	return []bookScene{{"keys and find", ""}, {"no keys", "          idempotency:"}}
}

// project writes a pipeline of documents, some of which the service refuses.
func (s *bookScene) project(t *testing.T, dir, url string) {
	definition := books.Definition(url, "acme", "invoices")
	if s.omit != "" {
		list := strings.Split(definition, "\n")
		before := len(list)
		list = slices.DeleteFunc(list, func(l string) bool { return strings.HasPrefix(l, s.omit) })
		if len(list) != before-1 {
			t.Fatalf("%d lines of the definition begin with %q", before-len(list), s.omit)
		}
		definition = strings.Join(list, "\n")
	}
	write(t, dir, "tieout.yaml", "tieout: 1\nproject: p\nconnections:\n  files: { connector: file, path: data }\n"+definition)
	write(t, dir, "bills.yaml", `pipeline: bills
source: { connection: files, stream: bills.csv, fields: { number: text, date: date, customer: text, total: decimal } }
gate: [ { quarantined: { max: 50% } } ]
sink: { connection: books, stream: invoices, key: [number] }
`)
	var b strings.Builder
	b.WriteString("number,date,customer,total\n")
	for i := range killDocuments {
		day := "2026-03-01"
		if i%9 == 0 {
			day = "2026-01-31" // the books are closed then
		}
		fmt.Fprintf(&b, "R-%d,%s,c%d,%d.%02d\n", i, day, i%7, i, i)
	}
	write(t, dir, "data/bills.csv", b.String())
}

// want is what the service must hold in the end.
func wantDocuments() []string {
	var out []string
	for i := range killDocuments {
		if i%9 != 0 {
			out = append(out, fmt.Sprintf("R-%d c%d %d.%02d", i, i%7, i, i))
		}
	}
	slices.Sort(out)
	return out
}

// check compares the service and the records held.
func (s *bookScene) check(t *testing.T, dir string, b *books.Server) {
	t.Helper()
	var got []string
	for _, d := range b.Documents() {
		whole, _ := d.Total.Rescale(2)
		got = append(got, fmt.Sprintf("%s %s %s", d.Number, d.Customer, whole))
	}
	slices.Sort(got)
	if want := wantDocuments(); !slices.Equal(got, want) {
		t.Errorf("the service holds other documents than it should\n%s", firstDifference(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
	held := query(t, "sqlite", "file:"+filepath.Join(dir, ".tieout/state.db"), "SELECT record_key FROM tieout_held WHERE status = 'waiting' ORDER BY record_key",
		"SELECT 'unsettled', count(*) FROM tieout_runs WHERE finished_at = ''", "SELECT 'open', count(*) FROM tieout_deliveries WHERE status NOT IN ('confirmed', 'refused')")
	refused := (killDocuments + 8) / 9
	if strings.Count(held, "R-") != refused || !strings.Contains(held, "unsettled|0|") || !strings.Contains(held, "open|0|") {
		t.Errorf("held and open at the end, of %d refused:\n%s", refused, held)
	}
}

// TestKillService kills the program at random moments until a run gets through.
func TestKillService(t *testing.T) {
	binary := buildBinary(t)
	times := 1
	if soak() {
		times = 100
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for _, s := range bookScenes() {
		t.Run(s.name, func(t *testing.T) {
			kills := 0
			for range times {
				kills += s.play(t, binary, random)
			}
			line(t, map[string]any{"test": "kill while documents are sent", "scene": s.name, "projects": times, "kills": kills, "seed": seed})
		})
	}
}

// play kills one project's runs, and gives how often.
func (s *bookScene) play(t *testing.T, binary string, random *rand.Rand) (kills int) {
	t.Helper()
	b := books.New(time.Now)
	b.CloseUntil("2026-02-28")
	for range 400 {
		f := books.Fault{After: random.IntN(2) == 0, Delay: time.Duration(random.IntN(4)) * time.Millisecond}
		switch random.IntN(60) {
		case 0:
			f.Cut = true
		case 1:
			f.Status = 500
		}
		b.Script(f)
	}
	server := httptest.NewServer(b)
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "project")
	s.project(t, dir, server.URL)
	for range 60 {
		cmd := exec.Command(binary, "-C", dir, "run", "bills")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(30+random.IntN(400+150*kills))*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			s.check(t, dir, b)
			s.quiet(t, binary, dir, b)
			os.RemoveAll(dir)
			return kills
		}
		if !cmd.ProcessState.Exited() {
			kills++
		}
	}
	t.Error("the pipeline never got through")
	return kills
}

// quiet wants another run to send nothing but what was refused before.
func (s *bookScene) quiet(t *testing.T, binary, dir string, b *books.Server) {
	t.Helper()
	b.Calm()
	before := b.Requests()
	if out, err := exec.Command(binary, "-C", dir, "run", "bills").CombinedOutput(); err != nil {
		t.Errorf("a run without news: %v\n%s", err, out)
	}
	if sent := b.Requests() - before; sent > (killDocuments+8)/9 {
		t.Errorf("a run without news sent %d requests", sent)
	}
	s.check(t, dir, b)
}
