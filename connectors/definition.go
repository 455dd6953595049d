package connectors

import (
	"github.com/tieout/tieout/transforms/fieldtype"

	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Definition describes one connector: what an analyst may write for it, what
// it can do, and how to build its source and sink.
type Definition struct {
	Name    string // as written after `connector:`
	Summary string // one sentence for the reference page
	// Connection, Source and Sink return a pointer to a zero settings struct,
	// decoded from the keys of the connection, of `source:` and of `sink:`
	// beside the common ones. Source or Sink is nil when the connector has no
	// such side.
	Connection func() any
	Source     func() any
	Sink       func() any
	// Modes are the load modes its sink supports; Cursor says that reads of its
	// source may be bounded by a cursor. What a source sends outside the
	// bounds the runner leaves out, so reading everything is allowed.
	Modes  []Mode
	Cursor bool
	// Lag says that its source can leave out what is newer than a length of
	// time before the newest record.
	Lag bool
	// Missing says that its sink knows Load.Missing and Load.Where.
	Missing bool
	// CheckSink says, opening nothing, why a load with its stream, mode and key
	// cannot be with these settings of a connection and a sink, as an error that
	// wraps ErrConfig, or several joined; nil when the modes say all. A code
	// stands before the words, as everywhere. The load has a Shape where fields
	// are known: an open one may have more than it lists, and a kind may be
	// unknown; nil is that nothing is known yet.
	CheckSink func(connection, sink any, load Load) error
	// Typed says that its source knows the kinds of its fields by itself (a
	// database), so that fields nobody declared are not plain text.
	Typed bool

	// Streams lists what the settings of a connection say about its streams;
	// nil when settings do not list them, as those of a database.
	Streams func(connection any) []fieldtype.Stream

	NewSource func(Env, any, any) (Source, error) // connection, source settings
	NewSink   func(Env, any, any) (Sink, error)   // connection, sink settings
	// NewTarget takes the place of NewSink where the sink is a service.
	NewTarget func(Env, any, any) (Target, error)
}

// Env is what a connector may use of the world around it.
type Env struct {
	Dir    string           // the project's folder; relative paths start here
	Now    func() time.Time // the only clock
	Log    *slog.Logger
	Limits Limits
	// Spool is a folder of the project's own, where a source that waits for
	// others keeps what it fetches before a load begins, and a sink what it
	// writes before it is sent. "" is none: records are then passed on as they
	// arrive, and a sink uses the system's folder.
	Spool string
	// Vault keeps tokens that change, or is nil where nothing may be kept.
	Vault Vault
	// Name is the name of the connection in the project, and Environment that
	// of the chosen environment, "" for none.
	Name, Environment string
	// Row is the row of for_each that the connection is used for, "" without.
	Row string
}

// Vault keeps small secrets of a project, sealed, such as the refresh token a
// service gave last. It is shared by every process that shares the state.
type Vault interface {
	// Update hands fn what is kept under a name, nil when nothing is, and
	// keeps what fn returns instead; nil leaves it as it is. No two calls of
	// one name run fn at the same time, in whatever process. What fn returned
	// is durable when Update returns nil. An error of fn is returned as it is
	// and changes nothing.
	Update(ctx context.Context, name string, fn func(ctx context.Context, old []byte) ([]byte, error)) error
}

// Limits bound what one record or one read may take.
type Limits struct {
	RecordBytes int // one record as received
	FieldCount  int // fields of one record
	Depth       int // nesting of one record
}

// DefaultLimits are the limits of a project that says nothing.
func DefaultLimits() Limits {
	return Limits{RecordBytes: 8 << 20, FieldCount: 4096, Depth: 64}
}

// Registry is the list of connectors a binary was built with.
type Registry struct{ defs []Definition }

// NewRegistry returns a registry of the definitions. Two of one name are a
// mistake in the program, and it panics.
func NewRegistry(defs ...Definition) *Registry {
	slices.SortFunc(defs, func(a, b Definition) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(defs); i++ {
		if defs[i].Name == defs[i-1].Name {
			panic(fmt.Sprintf("connector %q is listed twice", defs[i].Name))
		}
	}
	return &Registry{defs: defs}
}

// Lookup returns the definition of a name, or nil.
func (r *Registry) Lookup(name string) *Definition {
	for i := range r.defs {
		if r.defs[i].Name == name {
			return &r.defs[i]
		}
	}
	return nil
}

// Names lists the connectors, sorted.
func (r *Registry) Names() []string {
	names := make([]string, len(r.defs))
	for i := range r.defs {
		names[i] = r.defs[i].Name
	}
	return names
}

// Definitions lists the definitions, sorted by name. The caller must not
// change them.
func (r *Registry) Definitions() []Definition { return r.defs }
