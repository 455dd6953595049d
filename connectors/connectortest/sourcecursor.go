package connectortest

import (
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
)

// stamped are n rows, one a minute from midnight on.
func stamped(n int) []Row {
	rows := charges(n)
	at := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		rows[i]["changed"] = at.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
	}
	return rows
}

func cursor(c connectors.Cursor) func(*connectors.Read) {
	return func(r *connectors.Read) {
		if c.Field == "" {
			c.Field = "changed"
		}
		r.Cursor = &c
	}
}

func resumes(t *testing.T, k SourceTarget) {
	rows := stamped(3000)
	boundary := rows[600]["changed"]
	for i := 600; i < 2100; i++ { // more ties than one batch holds
		rows[i]["changed"] = boundary
	}
	k.Fill(t, columns(), rows)
	same(t, rows, k.all(t, cursor(connectors.Cursor{})))
	same(t, rows[600:], k.all(t, cursor(connectors.Cursor{From: boundary})))
	same(t, rows[2999:], k.all(t, cursor(connectors.Cursor{From: rows[2999]["changed"]})))
	if got := k.all(t, cursor(connectors.Cursor{From: "2027-01-01T00:00:00Z"})); len(got) != 0 {
		t.Fatalf("%d rows behind the last", len(got))
	}
}

func withoutCursor(t *testing.T, k SourceTarget) {
	rows := stamped(10)
	delete(rows[3], "changed")
	k.Fill(t, columns(), rows)
	same(t, rows, k.all(t, cursor(connectors.Cursor{})))
	same(t, append(rows[8:10:10], rows[3]), k.all(t, cursor(connectors.Cursor{From: rows[8]["changed"]})))
	same(t, rows[5:8], k.all(t, cursor(connectors.Cursor{From: rows[5]["changed"], To: rows[7]["changed"]})))
}

func explicitRange(t *testing.T, k SourceTarget) {
	rows := stamped(100)
	k.Fill(t, columns(), rows)
	same(t, rows[10:21], k.all(t, cursor(connectors.Cursor{From: rows[10]["changed"], To: rows[20]["changed"]})))
	same(t, rows[:21], k.all(t, cursor(connectors.Cursor{To: rows[20]["changed"]})))
	rows = stamped(3000)
	k.Fill(t, columns(), rows)
	same(t, rows[:1440], k.all(t, cursor(connectors.Cursor{From: "2026-01-31", To: "2026-01-31"})))
	same(t, rows[1440:], k.all(t, cursor(connectors.Cursor{From: "2026-02-01"})))
	same(t, rows[:2880], k.all(t, cursor(connectors.Cursor{To: "2026-02-01"})))
}

func frozen(t *testing.T, k SourceTarget) {
	if k.Add == nil {
		t.Skip("nothing can be added during a read")
	}
	rows := stamped(2500)
	k.Fill(t, columns(), rows)
	r := k.open(t, cursor(connectors.Cursor{From: rows[100]["changed"]}))
	late := stamped(2600)[2500:]
	late[0]["changed"] = rows[2499]["changed"] // a tie with the upper end
	late[1]["changed"] = rows[200]["changed"]
	k.Add(t, late)
	got, _ := readAll(t, r)
	same(t, rows[100:], got)
	if b, ok := r.(connectors.Bounded); ok {
		f := shape().Fields[shape().Index("changed")]
		if number(t, &f, b.Upper()) != number(t, &f, rows[2499]["changed"]) {
			t.Fatalf("the upper end is %q, want %q", b.Upper(), rows[2499]["changed"])
		}
	}
	_ = r.Close()
	same(t, append(rows[2499:2500:2500], append([]Row{late[0]}, late[2:]...)...), k.all(t, cursor(connectors.Cursor{From: rows[2499]["changed"]})))
}

func lagged(t *testing.T, k SourceTarget) {
	rows := stamped(100)
	k.Fill(t, columns(), rows)
	same(t, rows[:90], k.all(t, cursor(connectors.Cursor{Lag: 10 * time.Minute})))
	for i := range rows {
		rows[i]["due"] = time.Date(2026, 1, 1+i%10, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	k.Fill(t, columns(), rows)
	var want []Row
	for _, row := range rows {
		if row["due"] <= "2026-01-08" {
			want = append(want, row)
		}
	}
	same(t, want, k.all(t, cursor(connectors.Cursor{Field: "due", Lag: 48 * time.Hour})))
}

func windows(t *testing.T, k SourceTarget) {
	rows := stamped(3000)
	for i := 2000; i < 3000; i++ { // a gap of a year
		rows[i]["changed"] = time.Date(2027, 1, 31, 0, i%60, 0, 0, time.UTC).Format(time.RFC3339)
	}
	delete(rows[5], "changed")
	k.Fill(t, columns(), rows)
	for _, window := range []time.Duration{time.Hour, 24 * time.Hour, 10_000 * time.Hour} {
		same(t, rows, k.all(t, cursor(connectors.Cursor{Window: window})))
		same(t, rows[10:1990], k.all(t, cursor(connectors.Cursor{Window: window, From: rows[10]["changed"], To: rows[1989]["changed"]})))
	}
}

func cursorKinds(t *testing.T, k SourceTarget) {
	rows := charges(20)
	for i := range rows {
		rows[i]["units"] = pad(i + 95)[2:]
		if i < 5 {
			rows[i]["units"] = pad(i + 95)[3:]
		}
		rows[i]["due"] = time.Date(2026, 1, 25+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	k.Fill(t, columns(), rows)
	same(t, rows[3:12], k.all(t, cursor(connectors.Cursor{Field: "units", From: "98", To: "106"})))
	same(t, rows[10:], k.all(t, cursor(connectors.Cursor{Field: "due", From: rows[10]["due"]})))
	same(t, rows[7:], k.all(t, cursor(connectors.Cursor{Field: "id", From: "c00008"})))
	same(t, rows[7:9], k.all(t, cursor(connectors.Cursor{Field: "id", From: "c00008", To: "c00009"})))
}
