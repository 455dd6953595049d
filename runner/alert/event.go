package alert

import (
	"context"
	"time"
)

// Kind is what an event says.
type Kind string

// The kinds of events.
const (
	Failed   Kind = "failed"   // no attempt is left
	Blocked  Kind = "blocked"  // the gate blocked
	Late     Kind = "late"     // no success within fresh_within
	Resolved Kind = "resolved" // made by this package when an incident ends
)

// Event is something that happened to a pipeline.
type Event struct {
	Kind     Kind      `json:"kind"`
	Pipeline string    `json:"pipeline"`
	Target   string    `json:"target"` // name under alerts in tieout.yaml; "" tells nobody, the incident is kept all the same
	RunID    string    `json:"run_id,omitempty"`
	Slot     time.Time `json:"slot,omitzero"`
	Local    string    `json:"local,omitempty"` // the slot in its zone
	At       time.Time `json:"at"`
	Code     string    `json:"code,omitempty"` // error code, area.reason
	Message  string    `json:"message"`        // one sentence
	Hint     string    `json:"hint,omitempty"` // the next command
	Owner    string    `json:"owner,omitempty"`
	Next     time.Time `json:"next,omitzero"` // when it runs next
}

// Incident is an open trouble of one pipeline and kind.
type Incident struct {
	Pipeline string
	Kind     Kind
	Target   string
	Since    time.Time // of its first event
	ToldAt   time.Time // of its last message
	Repeats  int       // events since then
	Last     Event
}

// Letter is one thing to be said to one target, kept until it was.
type Letter struct {
	ID        int64
	Target    string
	Event     Event
	Repeats   int       // how often it happened since the letter before
	Since     time.Time // since when the incident is open
	Attempts  int
	NotBefore time.Time
	CreatedAt time.Time
	Error     string // of the last attempt
}

// Incidents keeps open incidents durably, for one project and environment.
type Incidents interface {
	// OpenIncidents lists them.
	OpenIncidents(ctx context.Context) ([]Incident, error)
	// Record writes an incident (opening or replacing that of its pipeline and
	// kind), or removes it when closed, and posts the letter, if any, in the
	// same transaction.
	Record(ctx context.Context, i Incident, closed bool, letter *Letter) error
}

// Mailbox keeps letters until they are delivered, for one project and
// environment.
type Mailbox interface {
	// Waiting lists letters not delivered and not given up, oldest first.
	Waiting(ctx context.Context) ([]Letter, error)
	// Deliver marks letters as delivered.
	Deliver(ctx context.Context, ids []int64, at time.Time) error
	// Defer notes a failed attempt: the next one is not before an instant, or
	// never when giveUp.
	Defer(ctx context.Context, ids []int64, notBefore time.Time, reason string, giveUp bool) error
}
