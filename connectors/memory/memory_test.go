package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/connectors/memory"
	"github.com/tieout/tieout/schemas/record"
)

func TestSink(t *testing.T) {
	connectortest.RunSink(t, connectortest.SinkHarness{
		Modes: []connectors.Mode{connectors.Append, connectors.Upsert, connectors.Replace, connectors.History}, Missing: true,
		New: func(*testing.T) connectortest.SinkTarget {
			db := memory.New()
			return connectortest.SinkTarget{Sink: db.Sink(), Source: db.Source(), Stream: "charges", Odd: `"x" y`, Names: true,
				Refuse: func(*testing.T) { db.SetFaults(memory.Faults{RefuseKey: "poison"}) }}
		},
	})
}

func TestSource(t *testing.T) {
	connectortest.RunSource(t, connectortest.SourceHarness{New: func(*testing.T) connectortest.SourceTarget {
		db := memory.New()
		add := func(_ *testing.T, rows []connectortest.Row) {
			for _, row := range rows {
				db.Add("charges", memory.Row(row))
			}
		}
		return connectortest.SourceTarget{Source: db.Source(), Stream: "charges", Cursor: true, Add: add,
			Fill: func(t *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
				var names []string
				for _, c := range columns {
					names = append(names, c.Name)
				}
				db.Set("charges", names)
				add(t, rows)
			}}
	}})
}

func TestFaults(t *testing.T) {
	db := memory.New()
	load := connectors.Load{ID: "1", Stream: "s", Pipeline: "p", Shape: record.MustShape(record.NewField("id", record.Text)), Mode: connectors.Append}
	var b record.Batch
	b.Reset(load.Shape, 1)
	b.Columns[0].SetString(0, "a")
	db.SetFaults(memory.Faults{FailWrite: 2, LoseCommit: true})
	w, err := db.Sink().Begin(context.Background(), load)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(context.Background(), &b); !errors.Is(err, connectors.ErrEnvironment) {
		t.Fatalf("the second write: %v", err)
	}
	_, err = w.Commit(context.Background(), connectors.Ledger{}, func(connectors.Receipt) error { return nil })
	if !errors.Is(err, connectors.ErrCommitUnknown) {
		t.Fatalf("commit: %v", err)
	}
	if _, found, err := db.Sink().Settle(context.Background(), load); !found || err != nil || len(db.Rows("s")) != 1 {
		t.Fatalf("settle: found=%v err=%v rows=%v", found, err, db.Rows("s"))
	}
}
