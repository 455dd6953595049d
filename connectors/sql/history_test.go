package sql

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// interval is one version of a record; to is 0 while it is open.
type interval struct {
	value    string
	from, to int
}

func hour(n int) time.Time {
	return time.Date(2026, 1, 1, n, 0, 0, n%2*500_000_000, time.UTC)
}

// versionsIn reads the versions of the table, by key.
func versionsIn(t *rapid.T, d dialect) map[string][]interval {
	s, err := d.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var rows []struct {
		ID     string  `db:"id"`
		Amount string  `db:"amount"`
		From   string  `db:"valid_from"`
		To     *string `db:"valid_to"`
	}
	if err := s.conn.SelectContext(context.Background(), &rows, "SELECT id, amount, CAST(valid_from AS "+s.words.char+") AS valid_from, CAST(valid_to AS "+s.words.char+") AS valid_to FROM rent"); err != nil {
		return nil // not created yet
	}
	out := make(map[string][]interval)
	for _, r := range rows {
		v := interval{value: r.Amount, from: hourOf(t, r.From)}
		if r.To != nil {
			v.to = hourOf(t, *r.To)
		}
		out[r.ID] = append(out[r.ID], v)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b interval) int { return a.from - b.from })
	}
	return out
}

func hourOf(t *rapid.T, text string) int {
	var at time.Time
	if err := unstamp(text, &at); err != nil {
		t.Fatal(err)
	}
	if n := at.Hour(); at.Equal(hour(n)) {
		return n
	}
	t.Fatalf("%s is no instant of a load", text)
	return 0
}

// at is the value of a record at an instant, "" for none.
func at(list []interval, n int) string {
	for _, v := range list {
		if v.from <= n && (v.to == 0 || n < v.to) {
			return v.value
		}
	}
	return ""
}

// sound checks that versions do not overlap, are not empty, and that only the
// last one may be open.
func sound(t *rapid.T, all map[string][]interval) {
	for key, list := range all {
		for i, v := range list {
			last := i == len(list)-1
			if v.to != 0 && v.to <= v.from || v.to == 0 && !last || !last && v.to > list[i+1].from {
				t.Fatalf("%s: %v", key, list)
			}
		}
	}
}

// historyLoad is a load of amounts by key at an instant.
type historyLoad struct {
	at      int
	missing connectors.Missing
	amounts map[string]string
}

func drawLoad(t *rapid.T) historyLoad {
	l := historyLoad{at: rapid.IntRange(1, 6).Draw(t, "at"), amounts: make(map[string]string)}
	l.missing = rapid.SampledFrom([]connectors.Missing{connectors.Keep, connectors.Close, connectors.Delete}).Draw(t, "missing")
	for _, key := range []string{"a", "b", "c"} {
		if v := rapid.IntRange(0, 2).Draw(t, key); v > 0 {
			l.amounts[key] = fmt.Sprintf("%d.00", v)
		}
	}
	return l
}

func (l historyLoad) run(t *rapid.T, k *sink) (connectors.Receipt, error) {
	load := rentLoad(connectors.History, 2)
	load.ID, load.AsOf, load.Missing = uuid.Must(uuid.NewV7()).String(), hour(l.at), l.missing
	w, err := k.Begin(context.Background(), load)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort(context.Background())
	b := new(record.Batch)
	b.Reset(load.Shape, len(l.amounts))
	i := 0
	for key, amount := range l.amounts {
		b.Columns[0].SetString(i, key)
		b.Columns[1].SetCoef(i, int64(amount[0]-'0')*100, 2)
		b.Columns[2].SetInt(i, 0)
		i++
	}
	if err := w.Write(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	return w.Commit(context.Background(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
}

// tooOld says whether the load would change what is known of a later instant.
func (l historyLoad) tooOld(before map[string][]interval) bool {
	for key, list := range before {
		last := list[len(list)-1]
		value, loaded := l.amounts[key]
		switch {
		case loaded && last.to == 0 && last.value == value:
		case loaded && max(last.from, last.to) > l.at, !loaded && l.missing != connectors.Keep && last.to == 0 && last.from > l.at:
			return true
		}
	}
	return false
}

// follows checks what a load made of the versions before it.
func (l historyLoad) follows(t *rapid.T, before, after map[string][]interval) {
	for _, key := range []string{"a", "b", "c"} {
		value, loaded := l.amounts[key]
		old, now := before[key], after[key]
		open := len(old) > 0 && old[len(old)-1].to == 0
		switch {
		case loaded:
			if last := now[len(now)-1]; last.to != 0 || last.value != value {
				t.Fatalf("%s was loaded with %s and is %v", key, value, now)
			}
		case l.missing == connectors.Keep || !open:
			if !slices.Equal(old, now) {
				t.Fatalf("%s was not loaded, and %v became %v", key, old, now)
			}
			continue
		case l.missing == connectors.Delete && len(now) > 0, l.missing == connectors.Close && len(now) > 0 && now[len(now)-1].to == 0:
			t.Fatalf("%s is missing and is %v", key, now)
		}
		if l.missing == connectors.Delete && !loaded {
			continue
		}
		for n := range l.at {
			if at(old, n) != at(now, n) {
				t.Fatalf("%s: what was true at %d changed: %v became %v", key, n, old, now)
			}
		}
	}
}

// historyHolds runs random loads in random order of their instants.
func historyHolds(t *testing.T, checks string, fresh func() (dialect, *sink)) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(checks); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(f.DefValue)
	}
	rapid.Check(t, func(t *rapid.T) {
		d, k := fresh()
		var before map[string][]interval
		for range rapid.IntRange(1, 7).Draw(t, "loads") {
			l := drawLoad(t)
			_, err := l.run(t, k)
			after := versionsIn(t, d)
			sound(t, after)
			switch old := l.tooOld(before); {
			case old && (err == nil || !strings.Contains(err.Error(), "sink.older")):
				t.Fatalf("a load at %d over %v: %v", l.at, before, err)
			case old:
				if fmt.Sprint(before) != fmt.Sprint(after) {
					t.Fatalf("a refused load changed %v to %v", before, after)
				}
				continue
			case err != nil:
				t.Fatal(err)
			}
			l.follows(t, before, after)
			again, err := l.run(t, k)
			if twice := versionsIn(t, d); err != nil || fmt.Sprint(twice) != fmt.Sprint(after) || again.Inserted+again.Changed+again.Deleted > 0 {
				t.Fatalf("the same load again: %v %+v, %v became %v", err, again, after, twice)
			}
			before = after
		}
	})
}

func TestHistoryHoldsInSQLite(t *testing.T) {
	dir, n := t.TempDir(), 0
	historyHolds(t, "15", func() (dialect, *sink) {
		n++
		d := newSQLite(dir, fmt.Sprintf("%d.db", n))
		return d, &sink{dialect: d, now: time.Now}
	})
}

func TestHistoryHoldsInPostgres(t *testing.T) {
	p, k := pgFor(t)
	historyHolds(t, "8", func() (dialect, *sink) {
		must(t, p, "DROP TABLE IF EXISTS rent")
		return p, k
	})
}

func TestHistoryHoldsInMySQL(t *testing.T) {
	d, k := mysqlFor(t)
	historyHolds(t, "8", func() (dialect, *sink) {
		must(t, d, "DROP TABLE IF EXISTS rent")
		return d, k
	})
}
