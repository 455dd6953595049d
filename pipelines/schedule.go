package pipelines

import (
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/schemas/document"
)

// Schedule says when a pipeline is due: by one rule of time, after other
// pipelines, or when files arrive. It is checked here and acted on by the
// scheduler.
type Schedule struct {
	Cron        document.Text     `yaml:"cron" doc:"Five-field cron expression in the pipeline's zone. With * or a step in minute or hour every matching instant counts; otherwise each local time counts once, also when clocks change." example:"15 6 * * 1-5"`
	Every       document.Duration `yaml:"every" doc:"Fixed interval of whole seconds, counted from 1970-01-01 00:00 UTC." example:"15m"`
	Monthly     document.Text     `yaml:"monthly" doc:"Day of the month, 1 to 28 or last." example:"last"`
	BusinessDay document.Text     `yaml:"business_day" doc:"Which business day of the month: 1 to 15, -1 to -15 from its end, last, or every." example:"3"`
	At          []document.Text   `yaml:"at,one_or_list" doc:"Times of day of monthly and business_day." example:"18:00"`
	Roll        string            `yaml:"roll" enum:"following,preceding,modified" doc:"Where a monthly day goes that is no business day; it stays when not given."`
	Holidays    document.Text     `yaml:"holidays" doc:"File of days off, in the project: a date on each line, or a CSV file with a column date. A cron does not run on them, and they are no business days." example:"mappings/holidays.csv"`
	After       []document.Text   `yaml:"after,one_or_list" doc:"Pipelines that must have succeeded first." example:"[load_tenants, load_units]"`
	On          *Trigger          `yaml:"on" doc:"Runs when something happens; stands alone."`
	CatchUp     string            `yaml:"catch_up" enum:"none,last,all" default:"last" doc:"What to do about slots missed while nothing ran."`
	CatchUpMax  int               `yaml:"catch_up_max" default:"100" doc:"Most missed slots to run with catch_up all, 1 to 1000."`
	Overlap     string            `yaml:"overlap" enum:"skip,queue" default:"skip" doc:"What to do when the run before has not ended."`
	Jitter      document.Duration `yaml:"jitter" doc:"Largest random delay of a start, 24h at most."`

	Node *document.Node `yaml:"."`

	timetable *timetable.Timetable
}

// Trigger is something that makes a pipeline due.
type Trigger struct {
	Files  document.Text     `yaml:"files" doc:"Folder or pattern of files on this machine, below the project's folder unless absolute." example:"inbox/*.csv"`
	Settle document.Duration `yaml:"settle" default:"10s" doc:"How long a file must not have changed."`
	Poll   document.Duration `yaml:"poll" default:"5s" doc:"How often to look."`

	Node *document.Node `yaml:"."`
}

// Retry says how often a slot is tried before it has failed.
type Retry struct {
	Attempts   int               `yaml:"attempts" default:"3" doc:"All attempts at one slot, the first included, 1 to 20."`
	Backoff    document.Duration `yaml:"backoff" default:"30s" doc:"Wait before the second attempt; it doubles from then on."`
	MaxBackoff document.Duration `yaml:"max_backoff" default:"10m" doc:"Longest wait."`

	Node *document.Node `yaml:"."`
}

// Timetable gives the instants at which the pipeline is due, nil when it has no
// rule of time or a wrong one.
func (p *Pipeline) Timetable() *timetable.Timetable {
	if p.Schedule == nil {
		return nil
	}
	return p.Schedule.timetable
}

// After lists the pipelines that must have succeeded first.
func (p *Pipeline) After() []string {
	if p.Schedule == nil {
		return nil
	}
	var names []string
	for i := range p.after {
		names = append(names, p.after[i].name)
	}
	return names
}

// Retries says how often a slot is tried, and how long to wait before the
// second attempt and at most.
func (p *Pipeline) Retries() (attempts int, backoff, most time.Duration) {
	attempts, backoff, most = 3, 30*time.Second, 10*time.Minute
	if r := p.Retry; r != nil {
		attempts, backoff, most = max(r.Attempts, 1), r.Backoff.Std(), r.MaxBackoff.Std()
	}
	return attempts, backoff, max(backoff, most)
}
