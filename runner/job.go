package runner

import (
	"context"
	"log/slog"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/transforms"
)

// Job is everything that decides what one run does.
type Job struct {
	RunID       string // UUIDv7
	LoadID      string // UUIDv7, the key of the ledger row
	Project     string
	Environment string
	Trigger     string    // "manual", "trigger", "after", "files", TriggerSchedule or TriggerRetry
	Slot        time.Time // nominal instant of the slot it runs for, or zero
	Attempt     int       // at that slot, from 1
	Pipeline    *pipelines.Pipeline
	// Config tells, once the steps are planned, the hash of the configuration
	// and of each lookup table that was read.
	Config func() (hash string, tables map[string]string)

	Source connectors.Source
	// Typed says that the source knows its own kinds.
	Typed bool
	Read  connectors.Read // without cursor bounds
	// Sink is nil in a dry run, which touches neither target nor state.
	Sink connectors.Sink
	Load connectors.Load // without shape

	// Context plans the steps; its Env holds run.date, vars and the zone.
	Context transforms.Context
	AsOf    time.Time

	// FullRefresh ignores the stored position; From and To bound a backfill,
	// which leaves the stored position alone.
	FullRefresh bool
	From, To    string
	// Once says that the sink takes no record twice, whatever its mode.
	Once bool
}

// Comparer is a Reader that passes on only what differs from the last load.
type Comparer interface {
	// Repeated is how many rows of the last batch were as they had been; they
	// are in the batch and not in Live.
	Repeated() int64
	// Position is the one to commit with what was read.
	Position(loadID string) *connectors.Position
}

// TriggerRetry marks a run of held records, TriggerSchedule one for a slot.
const (
	TriggerRetry    = "retry"
	TriggerSchedule = "schedule"
)

// Backfill reports whether the run reads an explicit range.
func (j *Job) Backfill() bool { return j.From != "" || j.To != "" }

// Deps are the parts of the world a run may touch.
type Deps struct {
	Now     func() time.Time
	Journal Journal
	Memory  Memory
	Spill   transforms.Spill
	Log     *slog.Logger
	// Progress, when set, is told now and then how many records were read.
	Progress func(read, written int64)
	// Workers is how many lanes compute at once; 0 leaves one core to the
	// rest.
	Workers int
}

// Status is how a run ended, or "running".
type Status string

// The ways a run ends. NothingNew is a success that read no records.
const (
	Running     Status = "running"
	Loaded      Status = "loaded"
	NothingNew  Status = "nothing_new"
	DryRun      Status = "dry_run"
	Blocked     Status = "blocked"
	Failed      Status = "failed"
	Interrupted Status = "interrupted"
	Unknown     Status = "unknown"
)

// Run is the durable record of a run, and its report.
type Run struct {
	RunID       string               `json:"run_id"`
	LoadID      string               `json:"load_id"`
	Project     string               `json:"project"`
	Environment string               `json:"environment"`
	Pipeline    string               `json:"pipeline"`
	Trigger     string               `json:"trigger"`
	Slot        time.Time            `json:"slot,omitzero"`
	Attempt     int                  `json:"attempt,omitempty"`
	Status      Status               `json:"status"`
	ConfigHash  string               `json:"config_hash"`
	AsOf        time.Time            `json:"as_of"`
	StartedAt   time.Time            `json:"started_at"`
	FinishedAt  time.Time            `json:"finished_at"`
	Counts      connectors.Counts    `json:"counts"`
	Steps       []StepReport         `json:"steps"`
	Entries     []Entry              `json:"entries,omitempty"`
	Gate        gate.Decision        `json:"gate"`
	Before      *connectors.Position `json:"before,omitempty"`
	After       *connectors.Position `json:"after,omitempty"`
	Sums        map[string]string    `json:"sums,omitempty"`
	Warnings    []string             `json:"warnings,omitempty"`
	Tables      map[string]string    `json:"tables,omitempty"` // hash of each lookup table read
	Error       string               `json:"error,omitempty"`
	ErrorCode   string               `json:"error_code,omitempty"`
	Backfill    bool                 `json:"backfill,omitempty"`
	Mode        connectors.Mode      `json:"mode"`
	Missing     connectors.Missing   `json:"missing,omitempty"`
	Stream      string               `json:"stream"`
	Sample      []Held               `json:"-"` // the first records held, for the summary
	Ledger      *connectors.Ledger   `json:"-"`
	Cause       error                `json:"-"`
}

// Journal makes runs durable. The state store implements it.
type Journal interface {
	// Begin makes the run row durable before the source is opened.
	Begin(ctx context.Context, run Run) error
	// Stage makes held records durable as pending, and notes which earlier
	// entries, by record key, this run resolves, and how far the run is. It may
	// be called often.
	Stage(ctx context.Context, run Run, held []Held, resolved []string) error
	// Finish ends the run in one transaction: with committed, pending held
	// records become the store's entries, replacing older ones of the same
	// key, and what Stage noted as resolved is closed; without, they are kept
	// only as evidence of this run. Finishing a finished run changes nothing.
	Finish(ctx context.Context, run Run, committed bool) error
	// Unsettled lists runs of a pipeline that began and never finished,
	// oldest first.
	Unsettled(ctx context.Context, project, environment, pipeline string) ([]Run, error)
}

// Memory answers what earlier runs left behind.
type Memory interface {
	// EachHeld calls fn with each record a pipeline has held and waiting; its
	// key, input, record and entry are filled. fn does not keep it.
	EachHeld(ctx context.Context, project, environment, pipeline string, fn func(*Held)) error
	// History returns the last n runs of a pipeline that loaded, newest first.
	History(ctx context.Context, project, environment, pipeline string, n int) ([]Run, error)
}

// Held is one record stopped before the sink, or refused by it.
type Held struct {
	Key     string   `json:"key"`
	Stage   string   `json:"stage"` // "rule" (source, step or rule) or "sink"
	Input   string   `json:"input,omitempty"`
	Line    int64    `json:"line,omitempty"`
	Record  string   `json:"record"` // JSON, as it was before step Enter
	Enter   int      `json:"enter"`  // index of the step a retry begins with
	Reasons []Reason `json:"reasons"`
}

// Reason is why a record was stopped.
type Reason struct {
	Code    string `json:"code"`
	Step    int    `json:"step"` // index of the step, -1 source, -2 rules, -3 sink
	Rule    string `json:"rule,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// The places in Reason.Step that are no step.
const (
	AtSource = -1
	AtRules  = -2
	AtSink   = -3
)

// StepReport is what one stage of the walk did with the records.
type StepReport struct {
	Step  string           `json:"step"`
	Tally transforms.Tally `json:"tally"`
	// Sums are the sums of the amounts after the step.
	Sums map[string]string `json:"sums,omitempty"`
}
