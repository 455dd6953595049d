package sql

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// stampLoad is a load of instants.
func stampLoad(stream string, mode connectors.Mode, zone *time.Location) connectors.Load {
	l := rentLoad(mode, 2)
	l.Stream, l.Zone, l.MaxRefused = stream, zone, 1000
	l.Shape = record.MustShape(record.NewField("id", record.Integer), record.NewField("changed", record.Timestamp))
	return l
}

func loadStamps(t *testing.T, k *sink, l connectors.Load, instants []int64) connectors.Receipt {
	t.Helper()
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort(t.Context())
	b := new(record.Batch)
	b.Reset(l.Shape, len(instants))
	for i, at := range instants {
		b.Columns[0].SetInt(i, int64(i))
		b.Columns[1].SetInt(i, at)
	}
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	receipt, err := w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// TestZonelessColumns writes instants around every change of the clocks of a
// year into columns without a zone and reads them back: each is the same, or
// was refused because its clock time comes twice.
func TestZonelessColumns(t *testing.T) {
	p, pg := pgFor(t)
	d, maria := mysqlFor(t)
	for n, name := range []string{"UTC", "America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		var instants []int64
		for at := time.Date(2026, 1, 1, 0, 0, 0, 250_000_000, time.UTC); at.Year() == 2026; {
			_, end := at.In(zone).ZoneBounds()
			if end.IsZero() {
				end = at.AddDate(1, 0, 0)
			}
			for m := -150; m <= 150; m += 10 {
				instants = append(instants, end.Add(time.Duration(m)*time.Minute+time.Microsecond).UnixMicro())
			}
			at = end
		}
		twice := 0
		for _, at := range instants {
			local := time.UnixMicro(at).In(zone).Format("2006-01-02T15:04:05.999999")
			if _, err := calendar.ParseTimestamp([]byte(local), zone); err != nil {
				twice++
			}
		}
		stream := fmt.Sprintf("stamps%d", n)
		must(t, p, "CREATE TABLE "+stream+" (id bigint PRIMARY KEY, changed timestamp)")
		must(t, d, "CREATE TABLE "+stream+" (id bigint PRIMARY KEY, changed datetime(6))")
		for _, c := range []struct {
			sink   *sink
			flavor flavor
		}{{pg, &postgresFlavor{db: p}}, {maria, &mysqlFlavor{db: d}}} {
			receipt := loadStamps(t, c.sink, stampLoad(stream, connectors.Upsert, zone), instants)
			if len(receipt.Refused) != twice || receipt.Inserted != int64(len(instants)-twice) {
				t.Fatalf("%s: %d refused, want %d: %+v", name, len(receipt.Refused), twice, receipt)
			}
			for _, r := range receipt.Refused {
				if !strings.Contains(r.Reason, "sink.ambiguous_time") || !strings.Contains(r.Reason, name) {
					t.Fatal(r.Reason)
				}
			}
			if again := loadStamps(t, c.sink, stampLoad(stream, connectors.Upsert, zone), instants); again.Changed+again.Inserted != 0 {
				t.Errorf("%s: the same load again: %+v", name, again)
			}
			readStamps(t, name, c.flavor, stream, zone, instants)
		}
	}
}

func readStamps(t *testing.T, name string, f flavor, stream string, zone *time.Location, instants []int64) {
	t.Helper()
	r, err := (&source{flavor: f}).Open(t.Context(), connectors.Read{Stream: stream, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b record.Batch
	for r.Next(t.Context(), &b) == nil {
		if len(b.Held) > 0 {
			t.Fatalf("%s: %s", name, b.Held[0].Message)
		}
		for _, row := range b.Live {
			if id := b.Columns[0].Ints[row]; b.Columns[1].Ints[row] != instants[id] {
				t.Fatalf("%s: %s came back as %s", name, time.UnixMicro(instants[id]).UTC(), time.UnixMicro(b.Columns[1].Ints[row]).UTC())
			}
		}
	}
}

// TestZonelessVersions keeps versions in columns without a zone: a load that
// stands for an instant whose clock time comes twice is refused.
func TestZonelessVersions(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	d, k := mysqlFor(t)
	l := stampLoad("versions", connectors.History, zone)
	l.AsOf = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	loadStamps(t, k, l, []int64{0})
	if got := ask(t, d, "SELECT valid_from FROM versions"); got != "2026-07-01 07:00:00.000000" {
		t.Errorf("valid from %s", got)
	}
	l.AsOf = time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC)
	if _, err := k.Begin(t.Context(), l); err == nil || !strings.Contains(err.Error(), "sink.ambiguous_time") {
		t.Errorf("an instant that nobody could read back: %v", err)
	}
	must(t, d, "CREATE TABLE coarse (id bigint, changed datetime(6), valid_from datetime, valid_to datetime(6))")
	l.Stream, l.AsOf = "coarse", time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	if _, err := k.Begin(t.Context(), l); err == nil || !strings.Contains(err.Error(), "sink.digits_lost") {
		t.Errorf("a column that loses parts of a second: %v", err)
	}
}

// TestPostgresFractions: a column of fewer digits would round them.
func TestPostgresFractions(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE milli (id bigint, changed timestamptz(3))")
	receipt := loadStamps(t, k, stampLoad("milli", connectors.Append, nil), []int64{1_000, 1_500, 2_000})
	if receipt.Inserted != 2 || len(receipt.Refused) != 1 || !strings.Contains(receipt.Refused[0].Reason, "sink.digits_lost") {
		t.Errorf("%+v", receipt)
	}
}
