package connectors

import (
	"context"
	"errors"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// Mode says how a load changes the target.
type Mode string

// The load modes. Append adds; Upsert matches on the key, and counts records
// that change nothing; Replace leaves exactly the records of this load, within
// Load.Where when there is one; History keeps every version of a record with
// the time it was valid (a slowly changing dimension of type 2).
const (
	Append  Mode = "append"
	Upsert  Mode = "upsert"
	Replace Mode = "replace"
	History Mode = "history"
)

// Missing says what becomes of records of the target that a whole read of the
// source no longer has.
type Missing string

// Keep leaves them, Delete removes them, Close marks them as ended.
const (
	Keep   Missing = "keep"
	Delete Missing = "delete"
	Close  Missing = "close"
)

// Scripter is a Sink that can print the statements that make the tables it
// keeps its ledger and positions in, for a person with more rights to run.
type Scripter interface {
	DDL() (string, error)
}

// Sink begins loads and settles the ones a crash left open.
type Sink interface {
	// Begin opens a load: it checks rights and the target's columns before a
	// record is read, takes the next epoch of the pipeline's position, and
	// returns a Writer whose writes nobody sees before Commit. It returns an
	// error that wraps ErrEnvironment or ErrConfig as a Source does.
	Begin(ctx context.Context, load Load) (Writer, error)
	// Settle tells what became of a load that was begun earlier: found says
	// that it was committed, and the ledger is what was written then. Not
	// found means that it never will be: the sink makes sure that a commit
	// still under way cannot land afterwards.
	Settle(ctx context.Context, load Load) (ledger Ledger, found bool, err error)
	// Position reads the last committed position, found=false when there is
	// none. It is the truth; the state store keeps a copy.
	Position(ctx context.Context, load Load) (pos Position, found bool, err error)
}

// Positioner is a Sink whose position can be set by hand.
type Positioner interface {
	// SetPosition writes the position of a pipeline, nil for none, and raises
	// its epoch, so that a load that is open cannot commit over it. Only the
	// names in load are looked at.
	SetPosition(ctx context.Context, load Load, pos *Position) error
}

// Writer takes the batches of one load.
type Writer interface {
	// Write takes the live rows of b; the batch goes back to the caller when
	// it returns. Batches come in order of Seq, from one goroutine. A record
	// the target refuses for good becomes a Refusal; more than
	// Load.MaxRefused of them are an error that wraps ErrTooManyRefused.
	Write(ctx context.Context, b *record.Batch) error
	// Commit makes the load visible together with the ledger and the
	// position, all or nothing. Before it does, it calls approve once with
	// the receipt; an error from approve undoes the load and is returned as
	// it is. An error that wraps ErrCommitUnknown means that only Settle can
	// tell; one that wraps ErrFenced that a later run took the pipeline over.
	// A sink that sends documents after its commit calls approve again after
	// each the target refuses; an error from it then stops the sending, and
	// is returned in one that wraps ErrCommitUnknown.
	Commit(ctx context.Context, ledger Ledger, approve func(Receipt) error) (Receipt, error)
	// Abort undoes everything. It may be called at any time and after Commit
	// does nothing.
	Abort(ctx context.Context) error
}

// Keeper is a Writer of a load with a Missing policy. Records that the source
// has and that do not reach the sink are not missing: their keys are kept.
type Keeper interface {
	// Keep takes the keys of such records, the live rows of b, whose fields
	// are those of Load.Key in that order.
	Keep(ctx context.Context, b *record.Batch) error
	// KeepAll turns the policy off for this load: nothing is taken away, and
	// Receipt.Present stays 0.
	KeepAll()
}

// Load names one load and says what it does.
type Load struct {
	ID          string // UUIDv7, made before the run
	Project     string
	Environment string
	Pipeline    string
	Partition   string // "" when the pipeline has one
	Stream      string // table or file
	Shape       *record.Shape
	Key         []string
	Mode        Mode
	// Missing is what becomes of records that are not in the load; "" is
	// Keep. A Writer of any other policy is a Keeper.
	Missing Missing
	// Where bounds what Replace and Missing may take away; nil is the whole
	// target. Every record of the load meets it.
	Where []Condition
	// AsOf is the instant the load stands for: where a version of History
	// begins, and when a closed record ended.
	AsOf time.Time
	// Extra names fields of Shape that the source has and nobody declared. A
	// target that lacks some of them, and that a load created, may be given
	// columns for them; with ExtraAnywhere so may any target.
	Extra         []string
	ExtraAnywhere bool
	// Zone is where zone-less columns of the target belong; nil is UTC.
	Zone *time.Location
	// MaxRefused is how many records the sink may refuse before the load
	// fails.
	MaxRefused int
}

// Position says how far a pipeline's source has been loaded.
type Position struct {
	Field string `json:"field"`
	// Text is the cursor value as the source writes it; Kind its kind's name.
	Text string `json:"text"`
	Kind string `json:"kind"`
	// Seen are hashes of the keys of the records seen at exactly this value,
	// sorted.
	Seen []string `json:"seen,omitempty"`
	// Epoch grows with each load begun; LoadID is the one that wrote this.
	Epoch  int64  `json:"epoch"`
	LoadID string `json:"load_id"`
}

// LedgerFormat is the version of the ledger row this program writes.
const LedgerFormat = 1

// Ledger is the proof of one load, kept in the sink.
type Ledger struct {
	LoadID string `json:"load_id"`
	RunID  string `json:"run_id"`
	Format int    `json:"format"`
	Counts Counts `json:"counts"`
	// Sums are the sums of the loaded amounts, by field or field and currency.
	Sums map[string]decimal.Decimal `json:"sums,omitempty"`
	// Hash is over the loaded records in order; ConfigHash over the pipeline.
	Hash       string    `json:"hash"`
	ConfigHash string    `json:"config_hash"`
	Before     *Position `json:"before,omitempty"`
	After      *Position `json:"after,omitempty"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// Counts are the fates of a run's records.
type Counts struct {
	Read      int64 `json:"read"`
	Filtered  int64 `json:"filtered"`
	Repeated  int64 `json:"repeated"`
	Held      int64 `json:"held"`
	Refused   int64 `json:"refused"`
	Written   int64 `json:"written"` // records handed to the sink
	Inserted  int64 `json:"inserted"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Deleted   int64 `json:"deleted"`
}

// Receipt tells what a load did to the target.
type Receipt struct {
	Inserted, Changed, Unchanged int64
	// Deleted counts records removed or closed because the source no longer
	// has them; Present how many records the target held, within Load.Where,
	// before the load. Present is 0 where nobody asked for Missing.
	Deleted, Present int64
	Refused          []Refusal
}

// Refusal is one record the target refused for good.
type Refusal struct {
	Seq     int64 // the batch's Seq
	Row     int32 // the row in it
	Key     string
	Reason  string
	Record  []byte // the record as JSON
	Line    int64  // where it came from, 0 if unknown
	Input   string
	Columns []string // the columns at fault, if the target says
}

// The kinds of failure the runner tells apart. Wrap them with %w.
var (
	// ErrEnvironment: cannot reach, no permission, locked (exit 3).
	ErrEnvironment = errors.New("environment")
	// ErrConfig: the pipeline does not fit the system (exit 2).
	ErrConfig = errors.New("configuration")
	// ErrData: what a source or a target holds is damaged, or not what the
	// pipeline says of it (exit 1).
	ErrData = errors.New("data")
	// ErrFenced: a later run of the pipeline owns it now (exit 3).
	ErrFenced = errors.New("fenced by a later run")
	// ErrCommitUnknown: the commit may or may not have happened.
	ErrCommitUnknown = errors.New("outcome of commit unknown")
	// ErrTooManyRefused: the sink refused more records than the load allows.
	ErrTooManyRefused = errors.New("too many records refused")
)
