package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Settings say whose documents a sink sends, and what of the world it uses.
type Settings struct {
	Target connectors.Target
	// From and To are the streams of the pipeline as connection.stream; Tenant
	// is its row of for_each.
	From, To, Tenant string
	RunID            string
	// Enter is the number of the pipeline's steps: where a refused record
	// comes in again.
	Enter int
	// AllowUnprotected lets documents leave this machine.
	AllowUnprotected bool
	Now              func() time.Time
	Sleep            func(ctx context.Context, d time.Duration) error
	Log              *slog.Logger
}

// Sink is a connectors.Sink over a Target.
type Sink struct {
	s     Settings
	store Store
	held  func(ctx context.Context, runID string, held []runner.Held) error
}

// New makes a sink. It opens nothing, and must be told with Keep where intents
// are kept before it is used.
func New(s Settings) *Sink { return &Sink{s: s} }

// Keep says where intents, ledger and position are kept, and how records that
// a service refused are kept with the run they came from; those that are kept
// already must not be kept twice.
func (k *Sink) Keep(store Store, held func(ctx context.Context, runID string, held []runner.Held) error) {
	k.store, k.held = store, held
}

var (
	_ connectors.Sink       = (*Sink)(nil)
	_ connectors.Positioner = (*Sink)(nil)
)

// Position reads the last committed position from the state.
func (k *Sink) Position(ctx context.Context, load connectors.Load) (connectors.Position, bool, error) {
	return k.store.Position(ctx, load)
}

// SetPosition writes it.
func (k *Sink) SetPosition(ctx context.Context, load connectors.Load, pos *connectors.Position) error {
	return k.store.SetPosition(ctx, load, pos)
}

// Begin checks that documents can be sent, and takes the next epoch.
func (k *Sink) Begin(ctx context.Context, load connectors.Load) (connectors.Writer, error) {
	if len(load.Key) == 0 {
		return nil, fmt.Errorf("%w: sink.missing_key: %s is a service: name the fields that tell documents apart with key:, so that none is sent twice", connectors.ErrConfig, k.s.To)
	}
	outlet, traits, err := k.open(ctx, load)
	if err != nil {
		return nil, err
	}
	epoch, err := k.store.Raise(ctx, load)
	if err != nil {
		return nil, errors.Join(err, outlet.Close())
	}
	return &writer{k: k, load: load, traits: traits, outlet: outlet, epoch: epoch, keys: runner.NewKeyer(load.Shape, load.Key), seen: make(map[string]string)}, nil
}

// open opens the service, if documents may be sent there.
func (k *Sink) open(ctx context.Context, load connectors.Load) (connectors.Outlet, connectors.Traits, error) {
	traits, err := k.s.Target.Traits(load.Stream)
	switch {
	case err != nil:
		return nil, traits, err
	case !traits.Create && !traits.Update:
		return nil, traits, fmt.Errorf("%w: documents of %s can be neither created nor changed", connectors.ErrConfig, k.s.To)
	case traits.Real && !k.s.AllowUnprotected:
		return nil, traits, fmt.Errorf("%w: sink.unprotected: %s is not on this machine, and documents sent to a service cannot be taken back; look at them with --dry-run, then run with --allow-unprotected-writes", connectors.ErrConfig, k.s.To)
	}
	outlet, err := k.s.Target.Open(ctx, load)
	return outlet, traits, err
}

// writer plans the intents of one load.
type writer struct {
	k      *Sink
	load   connectors.Load
	traits connectors.Traits
	outlet connectors.Outlet
	epoch  int64
	keys   *runner.Keyer
	seen   map[string]string // content by key
	place  int64
	done   bool

	created, changed, unchanged int64
	refused                     []connectors.Refusal
}

// Write plans what is to become of each record.
func (w *writer) Write(ctx context.Context, b *record.Batch) error {
	var intents []Intent
	var ids []Identity
	for _, row := range b.Live {
		i, refusal := w.intent(b, int(row))
		if refusal != nil {
			w.refused = append(w.refused, *refusal)
			continue
		}
		if w.seen[i.Key] == i.Content { // the same record once more
			w.unchanged++
			continue
		}
		w.seen[i.Key] = i.Content
		intents, ids = append(intents, i), append(ids, i.Identity)
	}
	if len(w.refused) > w.load.MaxRefused {
		return fmt.Errorf("%w: the first: %s", connectors.ErrTooManyRefused, w.refused[0].Reason)
	}
	known, err := w.k.store.Standings(ctx, ids)
	if err != nil {
		return err
	}
	plan := intents[:0]
	for n := range intents {
		i := &intents[n]
		reason, send := w.decide(i, &known[n])
		switch {
		case reason != "":
			w.refused = append(w.refused, refusalOf(i, reason))
		case send:
			i.IntentKey, i.Place = intentKey(i), w.place
			w.place++
			plan = append(plan, *i)
		}
	}
	if len(w.refused) > w.load.MaxRefused {
		return fmt.Errorf("%w: the first: %s", connectors.ErrTooManyRefused, w.refused[0].Reason)
	}
	return w.k.store.Plan(ctx, plan)
}

// intent makes an intent of a row, or says why it has none.
func (w *writer) intent(b *record.Batch, row int) (Intent, *connectors.Refusal) {
	text := record.AppendRowJSON(nil, b, row)
	i := Intent{Identity: Identity{Project: w.load.Project, Environment: w.load.Environment, Tenant: w.k.s.Tenant, From: w.k.s.From, To: w.k.s.To},
		Pipeline: w.load.Pipeline, RunID: w.k.s.RunID, LoadID: w.load.ID, Record: string(text), Content: contentOf(text), Status: Pending,
		Input: b.Origin.Input, PlannedAt: w.k.s.Now()}
	if row < len(b.Origin.Line) {
		i.Line = b.Origin.Line[row]
	}
	i.Key = string(w.keys.Key(b, row))
	for _, name := range w.load.Key {
		n := b.Shape.Index(name)
		i.Fields = append(i.Fields, string(record.AppendValue(nil, &b.Shape.Fields[n], &b.Columns[n], row)))
	}
	switch {
	case !w.keys.Named(b, row):
		r := refusalOf(&i, refusedCode+"a field of its key has no value")
		return i, &r
	case w.seen[i.Key] != "" && w.seen[i.Key] != i.Content:
		r := refusalOf(&i, refusedCode+"an earlier record of this run has the same key and other values; a document is sent once")
		return i, &r
	}
	return i, nil
}

// What reasons begin with.
const (
	refusedCode = string(document.CodeSinkRefused) + ": "
	unsettled   = string(document.CodeSinkUnsettled) + ": what became of an earlier delivery of this document is not known yet"
)

// decide says what becomes of a record, given what is known of its document:
// why it is refused, or whether it is sent.
func (w *writer) decide(i *Intent, known *Standing) (reason string, send bool) {
	last := known.Last
	i.Sequence, i.Operation = 1, connectors.Create
	if last != nil {
		i.Sequence = last.Sequence + 1
		if slices.Contains([]Status{Planned, Sent, Unknown}, last.Status) {
			return unsettled, false
		}
	}
	taken := known.Taken
	if !known.Linked && (taken == nil || taken.ID != "") { // a service that gave no name has no link
		if !w.traits.Create {
			return refusedCode + "it is not there yet, and the service creates none of this kind", false
		}
		w.created++
		return "", true
	}
	if i.ID, i.Version, i.Operation = known.ID, known.Version, connectors.Update; !known.Linked {
		i.Version = taken.Version
	}
	switch {
	case taken != nil && taken.ID == i.ID && taken.Content == i.Content:
		w.unchanged++
		return "", false
	case taken == nil && !w.traits.Update:
		w.unchanged++ // it was linked by hand and cannot be changed
		return "", false
	case w.load.Mode == connectors.Append:
		return refusedCode + "it was sent already and has changed since, and append changes nothing", false
	case !w.traits.Update:
		return refusedCode + "it was sent already and has changed since, and the service changes none of this kind", false
	}
	w.changed++
	return "", true
}

func refusalOf(i *Intent, reason string) connectors.Refusal {
	return connectors.Refusal{Key: i.Key, Reason: reason, Record: []byte(i.Record), Input: i.Input, Line: i.Line}
}

// Abort forgets what was planned.
func (w *writer) Abort(ctx context.Context) error {
	if w.done {
		return nil
	}
	w.done = true
	return errors.Join(w.k.store.Drop(ctx, w.load.ID), w.outlet.Close())
}
