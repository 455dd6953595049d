package schedule

import (
	"context"
	"time"

	"github.com/tieout/tieout/runner"
)

// Status says what became of a slot, or what it waits for.
type Status string

// The states of a slot. Only Due and Running are open; every other one is an
// end, with the reason in Slot.Reason where it is not Done.
const (
	Due       Status = "due"       // to be started; Reason says what it waits for
	Running   Status = "running"   // a run was begun for it
	Done      Status = "done"      // its run loaded, or found nothing new
	Failed    Status = "failed"    // no attempt is left
	Blocked   Status = "blocked"   // the gate did not let its run through
	Skipped   Status = "skipped"   // not run: overlap or pause
	Missed    Status = "missed"    // passed while nothing ran, and not caught up
	Coalesced Status = "coalesced" // a later slot stands for it
)

// Origin says what made a slot.
type Origin string

// The origins of slots.
const (
	ByTime    Origin = "time"
	ByTrigger Origin = "trigger" // `tieout trigger`
	ByAfter   Origin = "after"   // other pipelines succeeded
	ByFiles   Origin = "files"   // files arrived
)

// Slot is one time a pipeline is due. Its identity is Pipeline and Nominal,
// within one project and environment.
type Slot struct {
	Pipeline string    `json:"pipeline"`
	Nominal  time.Time `json:"nominal"` // UTC, microseconds; as_of of its runs
	// Through is the last instant of a stretch of missed slots written down as
	// one, because they are too many for rows of their own; Nominal is then a
	// microsecond before the first. A slot within it that has a row of its own,
	// of before the clock was set, is as that row says. Zero for a single slot.
	Through time.Time `json:"through,omitzero"`
	Local   string    `json:"local"` // Nominal in Zone, 2026-11-23T06:15:00-06:00
	Zone    string    `json:"zone"`
	Origin  Origin    `json:"origin"`
	Status  Status    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	// Attempts counts the runs begun for it; RunID is that of the latest.
	Attempts int    `json:"attempts"`
	RunID    string `json:"run_id,omitempty"`
	// NotBefore is the earliest start of the next attempt: the nominal instant
	// plus jitter at first, later the end of a wait after a failure.
	NotBefore  time.Time `json:"not_before,omitzero"`
	RecordedAt time.Time `json:"recorded_at"`
	StartedAt  time.Time `json:"started_at,omitzero"` // of the latest attempt
	EndedAt    time.Time `json:"ended_at,omitzero"`
	// Cause is what it follows: pipeline → run id for ByAfter, file →
	// fingerprint for ByFiles, "by" and "note" for ByTrigger.
	Cause map[string]string `json:"cause,omitempty"`
}

// NewSlot makes a slot that is due at an instant, shown in a zone.
func NewSlot(pipeline string, nominal time.Time, zone *time.Location, origin Origin, now time.Time) Slot {
	return Slot{Pipeline: pipeline, Nominal: nominal.UTC(), Local: nominal.In(zone).Format(LocalLayout), Zone: zone.String(),
		Origin: origin, Status: Due, RecordedAt: now}
}

// LocalLayout is how Slot.Local is written.
const LocalLayout = "2006-01-02T15:04:05-07:00"

// Slots keeps slots durably for one project and environment.
type Slots interface {
	// Propose writes down slots, and the watermark: every slot up to that
	// instant has been proposed. All in one transaction. A slot whose identity
	// exists already is left as it is; those that are new are returned. A zero
	// watermark leaves the stored one alone.
	Propose(ctx context.Context, slots []Slot, watermark time.Time) (added []Slot, err error)
	// Open lists slots that are due or running, by nominal instant and name.
	Open(ctx context.Context) ([]Slot, error)
	// Claim turns a due slot into a running one with the given RunID, Reason,
	// Attempts and StartedAt. It is false when the slot is not due any more.
	Claim(ctx context.Context, s Slot) (bool, error)
	// Update writes Status, Reason, Attempts, RunID, NotBefore and EndedAt of
	// a slot that is open and whose RunID in the store is was. Any other is
	// left as it is: another process has claimed or ended it since.
	Update(ctx context.Context, s Slot, was string) error
}

// Register keeps what is known of the pipelines themselves.
type Register interface {
	// Watermark is the instant up to which all slots were proposed; zero when
	// nothing ever was.
	Watermark(ctx context.Context) (time.Time, error)
	// Reopen takes the watermark back to an instant and removes slots after it
	// that were written down as missed or coalesced and so never ran: the
	// clock was set back, and they come again.
	Reopen(ctx context.Context, to time.Time) (removed int, err error)
	// Enroll notes the pipelines that have a schedule now and gives for each
	// since when it has been known. One that is new is known since now; one
	// not in the list is forgotten, but for its pause.
	Enroll(ctx context.Context, pipelines []string, now time.Time) (since map[string]time.Time, err error)
	// Pauses lists the pipelines that are paused.
	Pauses(ctx context.Context) (map[string]Pause, error)
}

// Pause is a person's word that a pipeline is not to be started by schedule.
type Pause struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note,omitempty"`
}

// Past answers what earlier runs did, whoever started them.
type Past interface {
	// Successes lists, oldest first, the runs that loaded or found nothing new
	// and ended at or after an instant. Retries of held records and backfills
	// are not among them: they do not make a pipeline fresh.
	Successes(ctx context.Context, since time.Time) ([]Success, error)
	// LastSuccesses gives the newest success of each pipeline.
	LastSuccesses(ctx context.Context) (map[string]Success, error)
	// Arrivals gives the fingerprint of each file a pipeline has had a slot
	// for, by path. They are taken from the causes of its ByFiles slots and
	// kept when those are pruned.
	Arrivals(ctx context.Context, pipeline string) (map[string]string, error)
	// Followed gives the cause of the newest ByAfter slot of each pipeline.
	Followed(ctx context.Context) (map[string]map[string]string, error)
}

// Success is a run that loaded or found nothing new.
type Success struct {
	Pipeline string
	RunID    string
	EndedAt  time.Time
}

// Outcome is what one attempt at a slot came to.
type Outcome struct {
	Run runner.Run // zero RunID when it did not start
	Err error      // why it did not start, or Run.Cause
}
