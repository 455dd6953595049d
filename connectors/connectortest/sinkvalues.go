package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

func everyKind(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	rows := []Row{charge("c1", "12.50"), {"id": "nothing else"}, charge("c2", "-0.01"), charge("c3", "0.00")}
	rows[2]["paid"], rows[2]["due"], rows[2]["units"] = "false", "0001-01-01", "-9223372036854775808"
	rows[3]["due"], rows[3]["changed"], rows[3]["units"] = "9999-12-31", "1969-12-31T23:59:59.000001Z", "9223372036854775807"
	k.run(t, l, rows)
	k.expect(t, l, rows)
}

func texts(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	notes := []string{"Zoë Müller, 東京 🏠", `back\slash \N \. \\`, "tab\tand\nline\r\nend", `"quoted", 'twice'`, "", " blank ",
		"\u202eright to left", "\x01\x1f\x7f", strings.Repeat("long ", 200_000), `\`, "NULL", "e\u0301"}
	var rows []Row
	for i, note := range notes {
		row := charge("c"+pad(i), "1.00")
		row["note"] = note
		rows = append(rows, row)
	}
	w := k.begin(t, l)
	write(t, w, l.Shape, rows, 5)
	nul := charge("nul", "1.00")
	nul["note"] = "a\x00b"
	b := batches(t, l.Shape, []Row{nul}, 1)[0]
	b.Seq = int64(len(rows)) // behind the others
	if err := w.Write(context.Background(), b); err != nil {
		t.Fatalf("Write: %v", err)
	}
	receipt, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if len(receipt.Refused) == 0 {
		rows = append(rows, nul)
	} else if !strings.Contains(receipt.Refused[0].Reason, "NUL") {
		t.Fatalf("the NUL byte was refused for %q", receipt.Refused[0].Reason)
	}
	got := k.rows(t, l)
	for i := range got { // an empty cell of a file is nil
		if _, there := got[i]["note"]; !there {
			got[i]["note"] = ""
		}
	}
	want := byID(rows)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i]["note"] != want[i]["note"] {
			t.Errorf("note %.40q became %.40q", want[i]["note"], got[i]["note"])
		}
	}
}

func money(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	amounts := []string{"0.10", "1234567.89", "-0.01", "99999999999999999999999999999.99", "9223372036854775807.00", "92233720368547758.08",
		"-92233720368547758.09", "0.00", "100.00"}
	var rows []Row
	for i, amount := range amounts {
		row := charge("c"+pad(i), amount)
		row["quantity"] = "0.1234567890123456789012345678"
		rows = append(rows, row)
	}
	k.run(t, l, rows)
	k.expect(t, l, rows)
}

func digitsLost(t *testing.T, k SinkTarget) {
	if k.Narrow == nil {
		t.Skip("no column of this target loses digits")
	}
	k.Narrow(t)
	l := k.load(connectors.Append)
	amount := record.NewField("amount", record.Decimal)
	l.Shape = record.MustShape(record.NewField("id", record.Text), amount)
	rows := []Row{{"id": "ok", "amount": "1.5"}, {"id": "rounds", "amount": "1.005"}, {"id": "large", "amount": "123456789.00"},
		{"id": "zeros", "amount": "2.5000"}, {"id": "huge", "amount": "99999999999999999999999999999.9"}, {"id": "most", "amount": "-99999999.99"}}
	receipt := k.run(t, l, rows)
	counts(t, receipt, 3, 0, 0, 0, 3)
	for i, id := range []string{"rounds", "large", "huge"} {
		r := receipt.Refused[i]
		if !strings.Contains(r.Reason, "sink.digits_lost") || !strings.Contains(r.Reason, "amount") || !strings.Contains(string(r.Record), id) {
			t.Errorf("refusal of %s: %q %s", id, r.Reason, r.Record)
		}
	}
	amount.Scale = 2
	l.Shape = record.MustShape(record.NewField("id", record.Text), amount)
	k.expect(t, l, []Row{{"id": "ok", "amount": "1.50"}, {"id": "zeros", "amount": "2.50"}, {"id": "most", "amount": "-99999999.99"}})
}

func oddNames(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	if k.Odd != "" {
		l.Stream = k.Odd
	}
	names := []string{"select", "Unit", "user_name"}
	if k.Names {
		names = append(names, `say "hi"`, "Unit No", "x'); DROP TABLE charges; --", "größe", strings.Repeat("n", 63), "a?b", "50% off", `back\slash`, "a:b", "$1")
	}
	fields := []record.Field{record.NewField("id", record.Text)}
	row := Row{"id": "c1"}
	for _, name := range names {
		fields = append(fields, record.NewField(name, record.Text))
		row[name] = "value of " + name
	}
	l.Shape = record.MustShape(fields...)
	k.run(t, l, []Row{row})
	k.expect(t, l, []Row{row})
	l2 := l
	l2.ID, l2.Mode, l2.Key = k.load(connectors.Append).ID, connectors.Append, nil
	k.run(t, l2, []Row{{"id": "c2"}})
	k.expect(t, l, []Row{row, {"id": "c2"}})
}
