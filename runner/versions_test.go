package runner_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/memory"
	"github.com/tieout/tieout/runner"
)

// paged is a source that fixes no end of its reads, as a service that is read
// page by page.
type paged struct{ connectors.Source }

func (p paged) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	r, err := p.Source.Open(ctx, read)
	return struct{ connectors.Reader }{r}, err
}

func fromPages(j *runner.Job) { j.Source = paged{j.Source} }

// A record that changes while its source is read comes twice. In whatever
// order its versions come, the sink has the last one after some runs, and what
// is loaded never goes back.
func TestRecordsThatChangeWhileTheyAreRead(t *testing.T) {
	versions := []memory.Row{charge(1, "10", 1), charge(1, "30", 4), charge(1, "20", 3), charge(2, "8", 2), charge(2, "6", 5), charge(3, "4", 3), charge(5, "2", 6)}
	for seed := range uint64(200) {
		f := newFixture(t, "upsert")
		rows := append([]memory.Row(nil), versions...)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		f.db.Set("charges", []string{"id", "rent", "day"}, rows...)
		told := false
		for n := 0; ; n++ {
			run := f.run(fromPages)
			if run.Status != runner.Loaded && run.Status != runner.NothingNew || run.Counts.Refused > 0 || n > 5 {
				t.Fatalf("seed %d: run %d ended as %s with %+v: %v", seed, n, run.Status, run.Counts, run.Cause)
			}
			again := strings.Contains(strings.Join(run.Warnings, "\n"), "the next run reads the later version")
			if told = told || again; !again {
				break
			}
			if last := len(run.After.Seen); last > 0 {
				t.Errorf("seed %d: the position passes over %d records at a version that is to be read again", seed, last)
			}
		}
		if got := strings.Join(f.out(), " "); got != "1=15.00 2=3.00 3=2.00 5=1.00" {
			t.Errorf("seed %d (told %v): the sink holds %s", seed, told, got)
		}
	}
}

// A source that reads from one instant has no record twice but by mistake,
// which is told, and appended rows are versions each.
func TestVersionsThatAreNoneOfAChange(t *testing.T) {
	f := newFixture(t, "upsert")
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "10", 1), charge(1, "30", 4), charge(2, "8", 2))
	if run := f.run(nil); run.Counts.Refused != 1 {
		t.Errorf("%+v", run.Counts)
	}
	f = newFixture(t, "append")
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "10", 1), charge(1, "30", 4), charge(2, "8", 2))
	f.want(f.run(fromPages), runner.Loaded, "1=15.00", "1=5.00", "2=4.00")
}

// Where the sink's key tells versions apart, each of them is a record.
func TestVersionsWithKeysOfTheirOwn(t *testing.T) {
	f := newFixture(t, "upsert")
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "10", 1), charge(1, "30", 4), charge(2, "8", 2))
	f.want(f.run(func(j *runner.Job) { fromPages(j); j.Load.Key = []string{"id", "day"} }), runner.Loaded, "1=15.00", "1=5.00", "2=4.00")
}
