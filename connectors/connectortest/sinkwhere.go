package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// condition compares a field with values in canonical form.
func condition(t *testing.T, s *record.Shape, field string, op connectors.Op, values ...string) connectors.Condition {
	t.Helper()
	f := s.Fields[s.Index(field)]
	c := connectors.Condition{Field: field, Op: op, Values: new(record.Column)}
	c.Values.Reset(f.Kind, len(values))
	for i, v := range values {
		set(t, c.Values, &f, i, Row{field: v})
	}
	return c
}

// inPeriod is a charge of a period.
func inPeriod(id, period, amount string) Row {
	r := charge(id, amount)
	r["period"], r["due"] = period, period+"-15"
	return r
}

func whereReplaces(t *testing.T, k SinkTarget) {
	for _, key := range [][]string{{"id"}, nil} {
		l := k.load(connectors.Replace)
		l.Key, l.Stream = key, k.Stream+"_"+strings.Join(key, "")
		first := []Row{inPeriod("a", "2026-01", "1.00"), inPeriod("b", "2026-01", "2.00"), inPeriod("c", "2026-02", "3.00"), inPeriod("d", "2026-02", "4.00")}
		delete(first[3], "due")
		delete(first[3], "period")
		k.run(t, l, first)
		next := l
		next.ID = k.load(connectors.Replace).ID
		next.Where = []connectors.Condition{condition(t, l.Shape, "period", connectors.Equal, "2026-01")}
		e := inPeriod("e", "2026-01", "5.00")
		k.run(t, next, []Row{first[0], e})
		k.expect(t, l, []Row{first[0], e, first[2], first[3]})
		next.ID = k.load(connectors.Replace).ID
		k.run(t, next, nil)
		k.expect(t, l, first[2:])
	}
}

// whereCompares removes by every kind and comparison.
func whereCompares(t *testing.T, k SinkTarget) {
	rows := []Row{inPeriod("a", "2026-01", "1.00"), inPeriod("A", "2026-02", "2.00"), inPeriod("b'; --", "2026-03", "3.00")}
	for i, at := range []string{"2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5Z", "2026-03-31T10:00:01Z"} {
		rows[i]["changed"], rows[i]["units"] = at, []string{"5", "9", "10"}[i]
	}
	rows[2]["paid"] = "false"
	cases := []struct {
		field  string
		op     connectors.Op
		values []string
		within string // letters of the rows in scope
	}{
		{"id", connectors.Equal, []string{"a"}, "0"},
		{"id", connectors.Equal, []string{"b'; --"}, "2"},
		{"id", connectors.NotEqual, []string{"a"}, "12"},
		{"id", connectors.In, []string{"A", "b'; --", "x"}, "12"},
		{"units", connectors.Less, []string{"10"}, "01"},
		{"units", connectors.GreaterEqual, []string{"9"}, "12"},
		{"units", connectors.In, []string{"5", "10"}, "02"},
		{"due", connectors.Greater, []string{"2026-01-15"}, "12"},
		{"due", connectors.Equal, []string{"2026-02-15"}, "1"},
		{"period", connectors.LessEqual, []string{"2026-02"}, "01"},
		{"paid", connectors.Equal, []string{"false"}, "2"},
		{"changed", connectors.Greater, []string{"2026-01-31T10:00:00Z"}, "12"},
		{"changed", connectors.Equal, []string{"2026-01-31T10:00:00.5Z"}, "1"},
		{"changed", connectors.LessEqual, []string{"2026-01-31T10:00:00.25Z"}, "0"},
	}
	for n, c := range cases {
		l := k.load(connectors.Replace)
		l.Stream += "_" + pad(n)
		k.run(t, l, rows)
		next := l
		next.ID = k.load(connectors.Replace).ID
		next.Where = []connectors.Condition{condition(t, l.Shape, c.field, c.op, c.values...)}
		k.run(t, next, nil)
		var left []Row
		for i := range rows {
			if !strings.Contains(c.within, string(rune('0'+i))) {
				left = append(left, rows[i])
			}
		}
		t.Log(next.Where[0].String())
		k.expect(t, l, left)
	}
}

func whereOutside(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Replace)
	first := []Row{inPeriod("a", "2026-01", "1.00"), inPeriod("b", "2026-02", "2.00")}
	k.run(t, l, first)
	next := k.load(connectors.Replace)
	next.Where = []connectors.Condition{condition(t, l.Shape, "period", connectors.Equal, "2026-01")}
	w := k.begin(t, next)
	write(t, w, l.Shape, []Row{first[0], inPeriod("b", "2026-01", "9.00")}, 500)
	_, err := w.Commit(context.Background(), ledgerOf(next, "2026-01-31T10:00:00Z"), yes)
	if err == nil || !strings.Contains(err.Error(), "sink.where") || !strings.Contains(err.Error(), `"b"`) {
		t.Fatalf("a record that another part of the target has: %v", err)
	}
	k.expect(t, l, first)
}

func whereMissing(t *testing.T, k SinkTarget) {
	for _, c := range []struct {
		mode   connectors.Mode
		policy connectors.Missing
	}{{connectors.Upsert, connectors.Delete}, {connectors.Upsert, connectors.Close}, {connectors.History, connectors.Close}, {connectors.History, connectors.Delete}} {
		l := k.missing(c.mode, c.policy, 1)
		l.Stream += "_" + string(c.mode) + string(c.policy)
		k.run(t, l, []Row{inPeriod("a", "2026-01", "1.00"), inPeriod("b", "2026-01", "2.00"), inPeriod("c", "2026-02", "3.00")})
		next := l
		next.ID, next.AsOf = k.load(c.mode).ID, day(2)
		next.Where = []connectors.Condition{condition(t, l.Shape, "period", connectors.In, "2026-01", "2025-12"),
			condition(t, l.Shape, "due", connectors.Less, "2026-01-31")}
		receipt := k.run(t, next, []Row{inPeriod("a", "2026-01", "1.50")})
		if counts(t, receipt, 0, 1, 0, 1, 0); receipt.Present != 2 {
			t.Errorf("%s %s: %d were present, want 2", c.mode, c.policy, receipt.Present)
		}
	}
}
