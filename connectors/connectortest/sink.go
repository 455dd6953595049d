package connectortest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// SinkHarness says how to test one sink.
type SinkHarness struct {
	// New gives an empty target. It is called once for each case.
	New func(t *testing.T) SinkTarget
	// Modes are the modes the sink has.
	Modes []connectors.Mode
	// Missing says that the sink takes away what a load does not hold, and
	// knows where.
	Missing bool
	// Widens says that the sink gives its target columns for new fields.
	Widens bool
	// Broken gives a sink whose target cannot be reached, built with Secrets.
	Broken  func(t *testing.T) connectors.Sink
	Secrets []string
}

// SinkTarget is one empty target. Hooks that are nil leave their cases out.
type SinkTarget struct {
	Sink connectors.Sink
	// Source reads the target back.
	Source connectors.Source
	Stream string
	// Odd is a stream with quotes and blanks in its name, "" when names are
	// limited.
	Odd string
	// Names says that field names may hold any character.
	Names bool
	// Narrow makes the stream so that amount has two digits after the point
	// and ten in all; Refuse makes the existing stream refuse the record
	// whose id is poison.
	Narrow func(t *testing.T)
	Refuse func(t *testing.T)
	// Widening is set for targets of a harness that Widens; the suite sets
	// Fresh, which gives another empty target.
	Widening *Widening
	Fresh    func(t *testing.T) SinkTarget
}

// RunSink runs the suite for sinks.
func RunSink(t *testing.T, h SinkHarness) {
	cases := []sinkCase{
		{"writes are invisible before commit", "", invisibleBeforeCommit},
		{"abort leaves nothing", "", abortLeavesNothing},
		{"ledger and position come with the data", "", ledgerWithData},
		{"an error of approve undoes the load", "", approveUndoes},
		{"settle finds a committed load", "", settleFinds},
		{"settle fences a load it does not find", "", settleFences},
		{"a zombie's commit is fenced", "", zombieFenced},
		{"a position set by hand fences", "", setPosition},
		{"every kind keeps its value", "", everyKind},
		{"unicode, long texts and control characters", "", texts},
		{"money keeps its scale and its digits", "", money},
		{"digits that would be lost are refused", "", digitsLost},
		{"names with quotes, blanks and reserved words", "", oddNames},
		{"append twice doubles", connectors.Append, appendTwice},
		{"a poison record is isolated, append", connectors.Append, poisonAppend},
		{"too many refused leaves nothing", connectors.Append, tooManyRefused},
		{"upsert counts what it did", connectors.Upsert, upsertCounts},
		{"a key that comes twice", connectors.Upsert, duplicateKeys},
		{"a key without value is refused", connectors.Upsert, keyWithoutValue},
		{"a poison record is isolated, upsert", connectors.Upsert, poisonUpsert},
		{"replace leaves exactly the load", connectors.Replace, replaceDeletes},
		{"replace without a key", connectors.Replace, replaceWithoutKey},
		{"history keeps versions", connectors.History, historyKeepsVersions},
		{"history is written in order", connectors.History, historyInOrder},
		{"history of keys that come twice or not at all", connectors.History, historyDuplicates},
		{"a poison record is isolated, history", connectors.History, poisonHistory},
	}
	if h.Missing {
		cases = append(cases, missingCases()...)
	}
	if h.Widens {
		cases = append(cases, widenCases()...)
	}
	for _, c := range cases {
		if c.mode != "" && !slices.Contains(h.Modes, c.mode) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			k := h.New(t)
			k.Fresh = h.New
			c.run(t, k)
		})
	}
	if h.Broken != nil {
		t.Run("secrets are in no error", func(t *testing.T) { noSecrets(t, h) })
	}
}

// sinkCase is one case, for sinks that have the mode.
type sinkCase struct {
	name string
	mode connectors.Mode
	run  func(*testing.T, SinkTarget)
}

func missingCases() []sinkCase {
	return []sinkCase{
		{"missing records are deleted", connectors.Upsert, missingDeletes},
		{"missing records are closed and come back", connectors.Upsert, missingCloses},
		{"keys that are kept are not missing", connectors.Upsert, missingKeeps},
		{"records that are refused are not missing", connectors.Upsert, missingRefused},
		{"records that do not fit are not missing", connectors.Upsert, missingLost},
		{"an error of approve takes nothing away", connectors.Upsert, missingBlocked},
		{"missing records end their versions", connectors.History, missingVersions},
		{"versions end in order", connectors.History, missingInOrder},
		{"replace within where", connectors.Replace, whereReplaces},
		{"where compares values, not texts", connectors.Replace, whereCompares},
		{"a record of another part is not taken over", connectors.Replace, whereOutside},
		{"missing within where", connectors.Upsert, whereMissing},
	}
}

// load names a load of the default shape into the target's stream.
func (k SinkTarget) load(mode connectors.Mode) connectors.Load {
	l := connectors.Load{ID: uuid.Must(uuid.NewV7()).String(), Project: "maple-court", Environment: "", Pipeline: "rent_roll",
		Stream: k.Stream, Shape: shape(), Mode: mode, MaxRefused: 10}
	if mode != connectors.Append {
		l.Key = []string{"id"}
	}
	return l
}

func yes(connectors.Receipt) error { return nil }

// ledgerOf is a ledger row a runner could hand over.
func ledgerOf(l connectors.Load, text string) connectors.Ledger {
	at := time.Date(2026, 1, 31, 10, 0, 0, 123000000, time.UTC)
	return connectors.Ledger{LoadID: l.ID, RunID: "run-" + l.ID, Format: connectors.LedgerFormat, Counts: connectors.Counts{Read: 3, Written: 3},
		ConfigHash: "c0ffee", StartedAt: at, FinishedAt: at.Add(time.Second),
		After: &connectors.Position{Field: "changed", Text: text, Kind: "timestamp", Seen: []string{"aa", "bb"}}}
}

// begin opens a load.
func (k SinkTarget) begin(t *testing.T, l connectors.Load) connectors.Writer {
	t.Helper()
	w, err := k.Sink.Begin(context.Background(), l)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	t.Cleanup(func() { _ = w.Abort(context.Background()) })
	return w
}

// write hands rows over in batches of size.
func write(t *testing.T, w connectors.Writer, s *record.Shape, rows []Row, size int) {
	t.Helper()
	for _, b := range batches(t, s, rows, size) {
		if err := w.Write(context.Background(), b); err != nil {
			t.Fatalf("Write: %v", err)
		}
	}
}

// run does a whole load and gives its receipt.
func (k SinkTarget) run(t *testing.T, l connectors.Load, rows []Row) connectors.Receipt {
	t.Helper()
	w := k.begin(t, l)
	write(t, w, l.Shape, rows, 500)
	receipt, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return receipt
}

// rows reads the target back, sorted; no stream is no rows.
func (k SinkTarget) rows(t *testing.T, l connectors.Load) []Row {
	t.Helper()
	r, err := k.Source.Open(context.Background(), connectors.Read{Stream: l.Stream, Fields: specs(l.Shape), Zone: time.UTC})
	if err != nil {
		if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrEnvironment) {
			return nil // nothing was created
		}
		t.Fatalf("read the target back: %v", err)
	}
	defer r.Close()
	rows, held := readAll(t, r)
	if len(held) > 0 {
		t.Fatalf("read the target back: %d records held: %s", len(held), held[0].Message)
	}
	return byID(rows)
}

// expect compares the target with rows.
func (k SinkTarget) expect(t *testing.T, l connectors.Load, want []Row) {
	t.Helper()
	if diff := cmp.Diff(byID(want), k.rows(t, l)); diff != "" {
		t.Fatalf("the target differs (-want +got):\n%s", diff)
	}
}

// counts compares a receipt.
func counts(t *testing.T, r connectors.Receipt, inserted, changed, unchanged, deleted int64, refused int) {
	t.Helper()
	got := [5]int64{r.Inserted, r.Changed, r.Unchanged, r.Deleted, int64(len(r.Refused))}
	if want := [5]int64{inserted, changed, unchanged, deleted, int64(refused)}; got != want {
		t.Fatalf("inserted, changed, unchanged, deleted, refused = %v, want %v (%v)", got, want, r.Refused)
	}
}
