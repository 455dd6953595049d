package connectors

import (
	"context"
	"errors"
	"time"
)

// Target is a service that takes documents one at a time and keeps no ledger:
// the runner keeps one for it, together with what became of each document.
type Target interface {
	// Open checks that documents of the load can be sent: the stream can be
	// written, fields it requires are there and none is left over. It may ask
	// the service for a token and for nothing else. It returns errors that
	// wrap ErrEnvironment or ErrConfig.
	Open(ctx context.Context, load Load) (Outlet, error)
	// Traits tell what the stream of a name can do. An error wraps ErrConfig.
	Traits(stream string) (Traits, error)
}

// Traits are what a service can do with the documents of one stream.
type Traits struct {
	// Create, Update and Void say which operations there are.
	Create, Update, Void bool
	// KeyLife is how long the service knows an idempotency key: the same
	// bytes with the same key may be sent again within it. 0 is no keys.
	KeyLife time.Duration
	// Find says that a document can be looked up by its natural key, and
	// FindDelay how long after it was taken it may not be found yet.
	Find      bool
	FindDelay time.Duration
	// Read says that it can be looked up by what the service calls it.
	Read bool
	// Marks says that what Find finds tells whether it is ours: the mark
	// stands in the document.
	Marks bool
	// Real says that documents leave this machine: the origin is not loopback.
	Real bool
}

// Operation is what is to become of a document.
type Operation string

// The operations.
const (
	Create Operation = "create"
	Update Operation = "update"
	Void   Operation = "void"
)

// Document is one document on its way.
type Document struct {
	// Key is the record key in the sink, Fields its parts in order.
	Key    string
	Fields []string
	// Record is the record as a JSON object of the load's shape.
	Record    []byte
	Operation Operation
	// IntentKey is the idempotency key: 26 characters, the same whenever this
	// operation on this document is sent again. Mark is shorter and serves
	// where the service has a text field for it and no keys.
	IntentKey string
	Mark      string
	// ID and Version are what the service calls the document, for Update and
	// Void.
	ID, Version string
	// Again says that an earlier attempt may have arrived.
	Again bool
}

// Outcome is what became of a document.
type Outcome string

// The outcomes. Refused is for good and the document's own fault. Unknown
// means that it may have been taken: only Find, or the same bytes under the
// same key, can tell. The others say for sure that this attempt changed
// nothing: Later that the service takes nothing for a while, Stale that the
// document has another version than the one sent, and Duplicate that there is
// a document of its natural key already.
const (
	Confirmed Outcome = "confirmed"
	Refused   Outcome = "refused"
	Unknown   Outcome = "unknown"
	Later     Outcome = "later"
	Stale     Outcome = "stale"
	Duplicate Outcome = "duplicate"
)

// Delivery is a reply to a document.
type Delivery struct {
	Outcome Outcome
	// ID and Version are what the service calls it now, when Confirmed. Stale
	// has the Version it should be, "" when only Find can tell.
	ID, Version string
	// Replayed says that the service had taken it before under the same key,
	// or that Find found it.
	Replayed bool
	// Foreign says that what Find found bears no mark of ours.
	Foreign bool
	// Wait is how long to wait before another attempt, when Later; 0 when the
	// service does not say.
	Wait time.Duration
	// Reason is why it was refused, or why the outcome is unknown, in the
	// service's words where it has some; RequestID names the request to it.
	Reason    string
	Status    int
	RequestID string
}

// ErrNotSent is wrapped by an error of Send that proves that nothing of the
// document reached the service, so that it can be sent again later.
var ErrNotSent = errors.New("not sent")

// Outlet sends the documents of one load. It is for one goroutine.
type Outlet interface {
	// Ready waits until the service's limits allow another document, and
	// proves who sends it where that takes a request. An error ends the load
	// with the document as planned as before.
	Ready(ctx context.Context) error
	// Send sends one document once. A refusal of the document is a Delivery
	// and no error. An error that wraps ErrNotSent ends the load with the
	// document as planned as before; any other error leaves it Unknown.
	Send(ctx context.Context, d Document) (Delivery, error)
	// Find looks a document up by what the service calls it, or else by its
	// natural key. found=false is sure that there is none; a Delivery of
	// Unknown that nobody can tell: there are several, or the service does not
	// take the question. Its reason says which.
	Find(ctx context.Context, d Document) (delivery Delivery, found bool, err error)
	Close() error
}
