package connectors

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/record"
)

// Source opens reads. It holds settings only; everything that must be closed
// belongs to the Reader.
type Source interface {
	// Open starts one read. It returns an error that wraps ErrEnvironment
	// when the system cannot be reached or refuses, and one that wraps
	// ErrConfig when the stream, or a field the read names, does not exist.
	Open(ctx context.Context, read Read) (Reader, error)
}

// Reader yields the batches of one read in order.
type Reader interface {
	// Shape is the shape of every batch: the declared fields under their
	// kinds, other fields as the source has them (text where it has no types).
	Shape() *record.Shape
	// Next fills b, which belongs to the caller and may be a used one, with
	// 1 to record.BatchRows rows, and sets Seq and Origin. A record that
	// cannot be read as declared is in the batch with a Hold of step
	// record.StepSource, in Stopped and not in Live (Batch.DropHeld does
	// that); the read goes on. io.EOF ends the
	// read, with no rows. Any other error ends the run.
	Next(ctx context.Context, b *record.Batch) error
	// Close lets go of everything, and may be called at any time, once.
	Close() error
}

// Bounded is a Reader that fixed the upper end of its cursor when it opened.
type Bounded interface {
	// Upper is the source's own text of the largest cursor value of this
	// read, or "" when the source was empty.
	Upper() string
}

// Parted is a Reader whose records come from several places, such as the
// projects of a company, each of which has a position of its own.
type Parted interface {
	// Parted reports whether there are such places in this read.
	Parted() bool
	// Parts names the place of each row of the last batch: the same names in
	// every read, at most a hundred bytes without control characters.
	Parts() []string
}

// Windowed is a Reader that asks for stretches of time and may not read those
// it read before: what it lacks of them is not gone.
type Windowed interface {
	// Windowed reports whether this read goes by such stretches.
	Windowed() bool
	// Windows names the stretch of each row of the last batch, and ReadWindows
	// all that were read, those without rows too, once Next has given io.EOF.
	Windows() []string
	ReadWindows() []string
}

// Late is a Source that knows how far behind its newest record it may show
// others. Reads begin that much before the position, unless the sink appends.
type Late interface {
	Late(stream string) time.Duration
}

// Forgetful is a Source that can be asked only for changes younger than Reach,
// or for everything; 0 is for all changes. A read from an older position
// brings everything, and it is used as if there were no position.
type Forgetful interface {
	Reach(stream string) time.Duration
}

// Resumer is a Reader that may have begun where the last load ended without a
// cursor, by a position of its own: it read a part and not the whole.
type Resumer interface {
	Resumed() bool
}

// Vacant is a Reader that may have found no record when it opened, so that its
// shape has declared fields alone and says nothing of what the source lacks.
type Vacant interface {
	Vacant() bool
}

// Noter is a Reader that has something to say about what it read, or a Writer
// about what it did to its target, in sentences, once it has ended.
type Noter interface {
	Notes() []string
}

// Shaper is a Source that can tell a stream's fields without reading records.
type Shaper interface {
	Fields(ctx context.Context, read Read) (*record.Shape, error)
}

// Checker is a Source or Sink that can prove its connection works, with the
// cheapest request there is.
type Checker interface {
	Check(ctx context.Context) error
}

// Lister is a Source that can list its streams.
type Lister interface {
	Streams(ctx context.Context) ([]string, error)
}

// Read says what to read.
type Read struct {
	Stream string
	// Fields are the declared fields in the order written.
	Fields []FieldSpec
	// Wanted names the fields the pipeline uses; nil means all. A source may
	// leave the others out of its shape, never fill them wrongly.
	Wanted []string
	// Key names the fields that identify a record, if the pipeline says.
	Key []string
	// Zone is where zone-less stamps of this source belong; nil when the
	// pipeline names none, and then such a stamp is a bad value.
	Zone *time.Location
	// Cursor bounds an incremental read; nil reads everything.
	Cursor *Cursor
	// Before is the position the last load committed, nil for none. Afresh
	// says that this read goes by it no more.
	Before *Position
	Afresh bool
	// AsOf is the instant the run stands for, which says what today is where
	// no cursor does; zero is now.
	AsOf time.Time
}

// Cursor bounds an incremental read: From <= field <= To.
type Cursor struct {
	Field string
	// From is the inclusive lower bound as text, "" for none. Lookback is
	// already taken off.
	From string
	// To is the inclusive upper bound, "" to freeze it at the largest value
	// the source holds when the read opens.
	To string
	// Lag is taken off a frozen upper bound of a timestamp or date, for rows
	// that become visible late.
	Lag time.Duration
	// Window reads a long range in slices of this length, oldest first; zero
	// reads it in one.
	Window time.Duration
	// Parts are the lower bounds of a source that is Parted, by part, and
	// Start that of a part which has none yet. Nil Parts are From for all.
	Parts map[string]string
	Start string
}

// Lower is the inclusive lower bound of a part, "" for none.
func (c *Cursor) Lower(part string) string {
	if c.Parts == nil {
		return c.From
	}
	if from, known := c.Parts[part]; known {
		return from
	}
	return c.Start
}

// FieldSpec declares one field of a stream.
type FieldSpec struct {
	Name     string
	Columns  []string // names it may have in the source, first that exists wins; empty means Name
	Kind     record.Kind
	Pattern  string // dates, months and timestamps: as in "DD/MM/YYYY"; "" is ISO
	Scale    int32  // decimals: record.NoScale, or the digits every value is written with
	Optional bool   // a source without it leaves the field absent
	// MinorUnits says that amounts come as whole minor units: 1234 is 12.34
	// at scale 2.
	MinorUnits bool
	// Fields are the fields of a list's or record's children.
	Fields []FieldSpec
}

// MissingColumnError says that a source lacks a declared field that is not
// optional. It wraps ErrConfig.
type MissingColumnError struct {
	Input   string
	Field   string
	Columns []string // the names looked for
	Known   []string // the names there are
}

// Error names the field and what is there instead.
func (e *MissingColumnError) Error() string {
	return fmt.Sprintf("%s has no column %s for field %q; it has %s",
		e.Input, strings.Join(quoted(e.Columns), " or "), e.Field, strings.Join(quoted(e.Known), ", "))
}

// Unwrap gives the kind of failure.
func (e *MissingColumnError) Unwrap() error { return ErrData }

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strconv.Quote(n)
	}
	return out
}
