package transforms

import (
	"io"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Spec is the YAML form of one step.
type Spec interface {
	// Plan checks the step against the shape of the records that reach it and
	// compiles its expressions. It reports what is wrong and returns nil then.
	Plan(in *record.Shape, c *Context) Plan
}

// Plan is a step that fits its input. It is immutable: lanes share it.
// It also implements Rowwise or Gathering.
type Plan interface {
	// Shape is the shape of the records the step puts out.
	Shape() *record.Shape
}

// Rowwise is a Plan that handles a batch without seeing the others.
type Rowwise interface {
	Plan
	// Start returns the work of one lane, with scratch of its own.
	Start() Work
}

// Shadowing is a Rowwise whose work is another one where records that were
// held are taken along to see what they belong to.
type Shadowing interface {
	Shadow() Work
}

// Work applies a step to batches, one at a time.
type Work interface {
	// Apply returns the batch the step makes of b: b itself, narrowed or with
	// other columns, or a batch of the Work's own that is good until its next
	// Apply. What a column of b holds is never overwritten, since b shares it
	// with the batch as read; a column is replaced by one of the Work's own.
	// A row that fails gets a Hold (its Step is filled in by the caller) and
	// stays in Live: the caller takes it out, with its document. A Work that
	// returns another batch sets Doc and holds rows of that batch only.
	// In, Out and Held of t are counted by the caller.
	Apply(b *record.Batch, t *Tally) (*record.Batch, error)
}

// Gathering is a Plan that must see all records before it can put out any.
type Gathering interface {
	Plan
	// Guard returns the work that looks at each batch before it is gathered,
	// to hold the records that cannot be: those without a key.
	Guard() Work
	// Collect starts one collection; close releases what it spilled.
	Collect(spill Spill) Collector
}

// Collector takes all batches of a run and then puts out others.
type Collector interface {
	// Add takes the live rows of b, copying what it keeps.
	Add(b *record.Batch) error
	// Wait takes the live rows of b for records that were held on their way:
	// what they belong to waits with them. unknown is told of rows of which
	// that cannot be said, since they lack a key field; it may be nil.
	Wait(b *record.Batch, unknown func(row int32))
	// Drain emits the result in batches that are good until emit returns.
	// Rows that fail are in them, live, with a Hold. It counts Created,
	// Merged, Dropped and Filtered; the caller counts In, Out and Held.
	Drain(emit func(*record.Batch) error, t *Tally) error
	io.Closer
}

// Tally counts what a step did with records. For every step
// In + Created = Out + Merged + Dropped + Filtered + Held.
type Tally struct {
	In       int64 `json:"in"`
	Created  int64 `json:"created"`
	Out      int64 `json:"out"`
	Merged   int64 `json:"merged"`
	Dropped  int64 `json:"dropped"`
	Filtered int64 `json:"filtered"`
	Held     int64 `json:"held"`
}

// Balanced reports whether the equation holds.
func (t *Tally) Balanced() bool {
	return t.In+t.Created == t.Out+t.Merged+t.Dropped+t.Filtered+t.Held
}

// Add sums o into t.
func (t *Tally) Add(o Tally) {
	t.In += o.In
	t.Created += o.Created
	t.Out += o.Out
	t.Merged += o.Merged
	t.Dropped += o.Dropped
	t.Filtered += o.Filtered
	t.Held += o.Held
}

// Context is what steps are planned with.
type Context struct {
	// Env is the environment of expressions but for its Shape, which is the
	// step's input.
	Env    expression.Env
	Report *document.Report
	// Tables gives lookups their rows. Reading says that whole tables may be
	// read now; in a static check only their fields are looked at.
	Tables  Tables
	Reading bool
	// Incremental says that the source reads a part at a time, so that a
	// group may lie in two reads.
	Incremental bool
	// SourceKey names the fields that identify a source record, if known.
	SourceKey []string
}

// Tables finds the tables that lookups read, once per run.
type Tables interface {
	// Shape tells the fields of a table, or nil when they cannot be known
	// without reading (a remote stream in a static check).
	Shape(ref string) (*record.Shape, error)
	// Rows reads the whole table.
	Rows(ref string) (*record.Batch, error)
}

// Spill is room on disk for steps that outgrow memory.
type Spill interface {
	// Create returns an empty file that disappears when it is closed.
	Create() (SpillFile, error)
	// Memory is how many bytes a step may keep before it spills.
	Memory() int64
}

// SpillFile is written once, rewound and read.
type SpillFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// envFor is the environment for expressions over records of a shape.
func (c *Context) envFor(in *record.Shape) *expression.Env {
	env := c.Env
	env.Shape = in
	return &env
}
