package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
)

// Status is how far an intent is.
type Status string

// The life of an intent: Pending while its load is open, Planned once that is
// committed, Sent while a reply is waited for, and then one of the outcomes.
const (
	Pending   Status = "pending"
	Planned   Status = "planned"
	Sent      Status = "sent"
	Confirmed Status = "confirmed"
	Refused   Status = "refused"
	Unknown   Status = "unknown"
)

// Identity says which document of which source an intent is about. Streams
// are connection.stream; Tenant is the row of for_each, "" for none.
type Identity struct {
	Project, Environment, Tenant string
	From, To                     string
	Key                          string
}

// Intent is one document that is to be sent, or was.
type Intent struct {
	Identity
	Pipeline  string
	RunID     string
	LoadID    string
	Place     int64 // in the load, from 0
	Sequence  int64 // of the identity, from 1
	Operation connectors.Operation
	IntentKey string
	Fields    []string // parts of the key
	Record    string   // JSON
	Content   string   // hash of Record
	Input     string   // where the record came from
	Line      int64
	Status    Status
	ID        string // what the service calls the document
	Version   string
	Reason    string
	RequestID string
	HTTP      int // status of the last reply
	Attempts  int
	PlannedAt time.Time
	SentAt    time.Time
	EndedAt   time.Time
	// Kept is the intent as far as the store has it.
	Kept Progress
}

// Progress is how far an intent is. No two processes bring it further from
// the same place.
type Progress struct {
	Status   Status
	Attempts int
}

// Standing is what is known of an identity before a load: its last intent, the
// last one the service took, and its link, which may have been imported.
type Standing struct {
	Last, Taken *Intent
	ID          string // of the link, "" for none
	Linked      bool
	// Version is that of the link.
	Version string
}

// Store keeps intents, and the ledger and position of each pipeline that sends
// them. The state store implements it.
type Store interface {
	// Raise gives the pipeline's position the next epoch and returns it.
	Raise(ctx context.Context, load connectors.Load) (epoch int64, err error)
	// Position reads the position last committed.
	Position(ctx context.Context, load connectors.Load) (connectors.Position, bool, error)
	// SetPosition writes it by hand, nil for none, and raises the epoch.
	SetPosition(ctx context.Context, load connectors.Load, pos *connectors.Position) error
	// Standings tells what is known of identities, in their order.
	Standings(ctx context.Context, ids []Identity) ([]Standing, error)
	// Plan keeps intents of an open load as Pending.
	Plan(ctx context.Context, intents []Intent) error
	// Commit makes a load's intents Planned and keeps ledger, position and the
	// shape of the records with them, in one transaction. It fails with
	// connectors.ErrFenced when the epoch is not the last, and with ErrOvertaken
	// when an intent of another load has come between; after any other error
	// nobody knows whether it has happened.
	Commit(ctx context.Context, load connectors.Load, epoch int64, ledger connectors.Ledger) error
	// Drop forgets the Pending intents of a load.
	Drop(ctx context.Context, loadID string) error
	// Committed finds the ledger of a load and the shape of its records.
	Committed(ctx context.Context, loadID string) (ledger connectors.Ledger, fields []runner.EntryField, found bool, err error)
	// Open lists a load's intents that have no outcome yet, in order, some at
	// a time: those behind the place after.
	Open(ctx context.Context, loadID string, after int64) ([]Intent, error)
	// Mark writes how far an intent is, and its link with it when Confirmed.
	// It fails with connectors.ErrFenced when the intent is not what Kept says:
	// another process has taken over. Kept is what was written afterwards.
	Mark(ctx context.Context, i *Intent) error
	// Tally counts the intents of a load by status.
	Tally(ctx context.Context, loadID string) (map[Status]int64, error)
	// Refusals lists the refused intents of a load.
	Refusals(ctx context.Context, loadID string) ([]Intent, error)
}

// ErrOvertaken means that another pipeline has planned or sent one of the
// documents since the load was planned.
var ErrOvertaken = fmt.Errorf("%w: sink.unsettled: another pipeline that sends the same documents came between; run it again", connectors.ErrEnvironment)

// intentKey is the idempotency key: base32 of 16 bytes of SHA-256 over
// identity, operation and sequence. Neither content nor attempt enters it.
func intentKey(i *Intent) string {
	h := sha256.New()
	for _, part := range []string{"tieout intent 1", i.Project, i.Environment, i.Tenant, i.From, i.To, i.Key, string(i.Operation), strconv.FormatInt(i.Sequence, 10)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16])
}

// markLength is how much of the key stands in a text field of a document.
const markLength = 16

// document is the intent as an outlet sends it.
func (i *Intent) document() connectors.Document {
	return connectors.Document{Key: i.Key, Fields: i.Fields, Record: []byte(i.Record), Operation: i.Operation, IntentKey: i.IntentKey,
		Mark: i.IntentKey[:markLength], ID: i.ID, Version: i.Version, Again: i.Attempts > 1}
}

// contentOf identifies what a record holds.
func contentOf(record []byte) string {
	sum := sha256.Sum256(record)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])
}

// name is how an intent is called in messages.
func (i *Intent) name() string {
	return fmt.Sprintf("%s of %s %q", i.Operation, strings.TrimSpace(i.To), i.Key)
}
