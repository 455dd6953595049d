package sql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// outcome is what a load did, and what the target holds after it.
type outcome struct {
	Inserted, Changed, Unchanged int64
	Refused                      []string
	Table                        string
}

// amounts is a batch of ids with amounts in cents, "" for a key without value.
func amounts(l connectors.Load, seq int64, rows [][2]string) *record.Batch {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r[0])
	}
	b := rentBatch(l, seq, ids...)
	for i, r := range rows {
		var cents int64
		fmt.Sscan(r[1], &cents) //nolint:errcheck // written by the tests
		b.Columns[1].SetCoef(i, cents, 2)
	}
	return b
}

func loadAmounts(t *testing.T, k connectors.Sink, l connectors.Load, batches [][][2]string, between func(n int)) outcome {
	t.Helper()
	l.MaxRefused = 10_000
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort(context.Background())
	for n, rows := range batches {
		if between != nil {
			between(n)
		}
		if err := w.Write(t.Context(), amounts(l, int64(n), rows)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	out := outcome{Inserted: r.Inserted, Changed: r.Changed, Unchanged: r.Unchanged}
	for _, one := range r.Refused {
		out.Refused = append(out.Refused, fmt.Sprintf("%s: %.30s %s", one.Key, one.Reason, one.Record))
	}
	slices.Sort(out.Refused)
	return out
}

// An upsert into an empty table with a key goes straight in, and must do the
// same as one that is staged, whatever the records are.
func TestStraightIsAsStaged(t *testing.T) {
	p, k := pgFor(t)
	const table = "CREATE TABLE %s (id text PRIMARY KEY, amount numeric(12,2) CHECK (amount <> 6.66), due date)"
	const rows = "SELECT coalesce(string_agg(id || '=' || amount, ' ' ORDER BY id COLLATE \"C\"), '') FROM %s"
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	for round := range 12 {
		must(t, p, "DROP TABLE IF EXISTS straight, staged", fmt.Sprintf(table, "straight"), fmt.Sprintf(table, "staged"), "INSERT INTO staged VALUES ('already there', 1, null)")
		batches := make([][][2]string, 1+random.IntN(90))
		keys := 50 + random.IntN(40_000)
		for n := range batches {
			for range 1 + random.IntN(60) {
				key, cents := fmt.Sprintf("k%d", random.IntN(keys)), fmt.Sprint(100+random.IntN(3))
				if random.IntN(400) == 0 { // refused for itself; it comes once, since it may stop others where it is staged first
					key, cents = fmt.Sprintf("p%d-%d", n, len(batches[n])), "666"
				}
				batches[n] = append(batches[n], [2]string{key, cents})
			}
		}
		var got [2]outcome
		for i, name := range []string{"straight", "staged"} {
			l := rentLoad(connectors.Upsert, 2)
			l.Stream, l.Pipeline = name, name
			got[i] = loadAmounts(t, k, l, batches, nil)
			got[i].Table = strings.TrimPrefix(ask(t, p, fmt.Sprintf(rows, name)), "already there=1.00 ")
		}
		if diff := cmp.Diff(got[1], got[0]); diff != "" {
			t.Fatalf("round %d: staged -, straight +\n%s", round, diff)
		}
	}
}

// Somebody else fills the empty table while a load goes straight into it.
func TestStraightBesideAnother(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text PRIMARY KEY, amount numeric(12,2), due date)")
	l := rentLoad(connectors.Upsert, 2)
	got := loadAmounts(t, k, l, [][][2]string{{{"a", "100"}, {"b", "200"}}, {{"c", "300"}}}, func(n int) {
		if n == 1 {
			must(t, p, "INSERT INTO rent VALUES ('c', 9.99, '1970-01-01'), ('d', 1, null)")
		}
	})
	got.Table = ask(t, p, "SELECT string_agg(id || '=' || amount, ' ' ORDER BY id) FROM rent")
	if diff := cmp.Diff(outcome{Inserted: 2, Changed: 1, Table: "a=1.00 b=2.00 c=3.00 d=1.00"}, got); diff != "" {
		t.Error(diff)
	}
}

// Who may not delete loads through staging.
func TestStraightNeedsTheRightToDelete(t *testing.T) {
	p, _ := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text PRIMARY KEY, amount numeric(12,2), due date)")
	s, err := p.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	plan := &plan{target: `"rent"`, name: "rent"}
	if yes, err := p.blank(t.Context(), s, plan); err != nil || !yes {
		t.Errorf("an empty table of one's own: %v, %v", yes, err)
	}
	must(t, p, "INSERT INTO rent VALUES ('a', 1, null)")
	if yes, err := p.blank(t.Context(), s, plan); err != nil || yes {
		t.Errorf("a table with a row: %v, %v", yes, err)
	}
}
