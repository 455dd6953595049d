package alert

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Longest texts of an event, in characters.
const (
	maxMessage = 500
	maxName    = 200
)

// BellOptions are what a bell needs of the world.
type BellOptions struct {
	Now func() time.Time
	// Remind is how long repeats are held back at a target; 0 is
	// DefaultRemind, as is a nil func.
	Remind func(target string) time.Duration
	// Destinations lists the destinations of a target; none for an unknown
	// one, which then tells nobody.
	Destinations func(target string) []string
	// Redact takes secrets out of a text before it is stored; may be nil.
	Redact func(string) string
	// Posted is told after letters were posted, to wake a courier. It must
	// not block; may be nil.
	Posted func()
	Log    *slog.Logger // may be nil
}

// Bell turns events into incidents and letters. It is safe for concurrent use;
// one bell at a time may use a store.
type Bell struct {
	store Incidents
	o     BellOptions

	mu     sync.Mutex
	loaded bool
	open   map[trouble]Incident
}

// trouble is an incident's identity.
type trouble struct {
	pipeline string
	kind     Kind
}

// NewBell makes a bell. It reads the store when it is first used.
func NewBell(store Incidents, o BellOptions) *Bell {
	if o.Remind == nil {
		o.Remind = func(string) time.Duration { return 0 }
	}
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Posted == nil {
		o.Posted = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Bell{store: store, o: o}
}

// Load reads the open incidents and tells those that nobody was told of yet: a
// process ended between the letters to two destinations, or the target had no
// destination then. Ring and Clear load by themselves; a process that starts
// calls it to do so at once.
func (b *Bell) Load(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.load(ctx)
}

func (b *Bell) load(ctx context.Context) error {
	if b.loaded {
		return nil
	}
	list, err := b.store.OpenIncidents(ctx)
	if err != nil {
		return fmt.Errorf("read open incidents: %w", err)
	}
	b.open = make(map[trouble]Incident, len(list))
	for _, i := range list {
		b.open[trouble{i.Pipeline, i.Kind}] = i
	}
	b.loaded = true
	for _, i := range list {
		if i.ToldAt.IsZero() && len(b.destinations(i.Target)) > 0 {
			if err := b.tell(ctx, i, i.Last); err != nil {
				return err
			}
		}
	}
	return nil
}

// Ring takes note of an event that is not Resolved. The first of an incident
// posts a letter; so does one with another code or to another target, and one
// after the target's time to remind. Every other is counted.
func (b *Bell) Ring(ctx context.Context, e Event) error {
	if e.Kind == Resolved {
		return fmt.Errorf("ring for %s: an incident is ended with Clear", e.Pipeline)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(ctx); err != nil {
		return err
	}
	e = b.clean(e)
	i, open := b.open[trouble{e.Pipeline, e.Kind}]
	if !open {
		i = Incident{Pipeline: e.Pipeline, Kind: e.Kind, Since: e.At}
	}
	due := len(b.destinations(e.Target)) > 0 && b.due(i, e)
	if open {
		i.Repeats++
	}
	i.Last = e
	if e.Target != "" {
		i.Target = e.Target
	}
	if due {
		return b.tell(ctx, i, e)
	}
	return b.record(ctx, i, false, nil)
}

// due reports whether an event of an incident is to be told.
func (b *Bell) due(i Incident, e Event) bool {
	if i.ToldAt.IsZero() || i.Last.Code != e.Code || i.Target != e.Target {
		return true
	}
	remind := cmp.Or(b.o.Remind(e.Target), DefaultRemind)
	// A last message in the future was sent while the clock was wrong.
	return e.At.Sub(i.ToldAt).Abs() >= remind
}

// tell posts a letter about an open incident to each destination of its
// target.
func (b *Bell) tell(ctx context.Context, i Incident, e Event) error {
	letters := b.letters(i.Target, Letter{Event: e, Repeats: i.Repeats, Since: i.Since})
	// The store takes one letter at a time. Until the last of them the
	// incident counts as untold, so that what a crash leaves out is told by
	// the next load: twice to somebody rather than never.
	untold := i
	untold.ToldAt = time.Time{}
	for _, letter := range letters[:len(letters)-1] {
		if err := b.record(ctx, untold, false, &letter); err != nil {
			return err
		}
	}
	i.ToldAt, i.Repeats = e.At, 0
	return b.record(ctx, i, false, &letters[len(letters)-1])
}

func (b *Bell) destinations(target string) []string {
	if target == "" {
		return nil
	}
	return b.o.Destinations(target)
}

// letters copies a letter for each destination of a target.
func (b *Bell) letters(target string, l Letter) []Letter {
	var list []Letter
	l.CreatedAt = b.o.Now()
	l.Event.Target = target
	for _, kind := range b.destinations(target) {
		l.Target = address(target, kind)
		list = append(list, l)
	}
	return list
}

// record writes an incident to the store and remembers it. After an error the
// store is read anew, because only it knows what came through.
func (b *Bell) record(ctx context.Context, i Incident, closed bool, letter *Letter) error {
	if err := b.store.Record(ctx, i, closed, letter); err != nil {
		b.loaded = false
		return fmt.Errorf("write the incident of %s: %w", i.Pipeline, err)
	}
	if key := (trouble{i.Pipeline, i.Kind}); closed {
		delete(b.open, key)
	} else {
		b.open[key] = i
	}
	if letter != nil {
		b.o.Log.Debug("alert posted", "pipeline", i.Pipeline, "kind", string(letter.Event.Kind), "target", letter.Target)
		b.o.Posted()
	}
	return nil
}

// Clear ends the open incidents of a pipeline of these kinds, of any kind when
// there are none, and tells those that were told of them. runID is the run
// that made all well, and at when it ended: what failed or was blocked after
// that stays open.
func (b *Bell) Clear(ctx context.Context, pipeline string, kinds []Kind, runID string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(ctx); err != nil {
		return err
	}
	if at.IsZero() {
		at = b.o.Now()
	}
	ending := map[string][]Incident{} // by target that was told, "" for nobody
	for _, i := range b.open {
		if i.Pipeline != pipeline || len(kinds) > 0 && !slices.Contains(kinds, i.Kind) || i.Kind != Late && i.Last.At.After(at) {
			continue
		}
		target := i.Target
		if i.ToldAt.IsZero() {
			target = ""
		}
		ending[target] = append(ending[target], i)
	}
	for target, list := range ending {
		if err := b.end(ctx, target, list, runID, at); err != nil {
			return err
		}
	}
	return nil
}

// end closes incidents that one target was told of. The letters go with the
// last one, so that after a crash it is still open and the next Clear tells.
func (b *Bell) end(ctx context.Context, target string, list []Incident, runID string, at time.Time) error {
	slices.SortFunc(list, func(x, y Incident) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Kind, y.Kind)) })
	last := list[len(list)-1]
	letters := b.letters(target, resolution(list, runID, at))
	for _, i := range list[:len(list)-1] {
		if err := b.record(ctx, i, true, nil); err != nil {
			return err
		}
	}
	if len(letters) == 0 {
		return b.record(ctx, last, true, nil)
	}
	for _, letter := range letters[:len(letters)-1] {
		if err := b.record(ctx, last, false, &letter); err != nil {
			return err
		}
	}
	return b.record(ctx, last, true, &letters[len(letters)-1])
}

// resolution says that incidents of one pipeline are over.
func resolution(list []Incident, runID string, at time.Time) Letter {
	first, newest := list[0], list[len(list)-1].Last
	var what []string
	repeats := 0
	for _, i := range list {
		word := string(i.Kind)
		if i.Last.Code != "" {
			word += " (" + i.Last.Code + ")"
		}
		what = append(what, word)
		repeats += i.Repeats
	}
	e := Event{Kind: Resolved, Pipeline: first.Pipeline, RunID: runID, At: at, Owner: newest.Owner,
		Message: fmt.Sprintf("It lasted %s: %s.", lasting(at.Sub(first.Since)), strings.Join(what, ", "))}
	return Letter{Event: e, Repeats: repeats, Since: first.Since}
}

// clean makes an event fit to be stored and shown: redacted, of one line, of
// bounded length.
func (b *Bell) clean(e Event) Event {
	if e.At.IsZero() {
		e.At = b.o.Now()
	}
	e.Message = cut(oneLine(b.o.Redact(e.Message)), maxMessage)
	e.Hint = cut(oneLine(b.o.Redact(e.Hint)), maxName)
	e.Owner = cut(oneLine(b.o.Redact(e.Owner)), maxName)
	return e
}

// oneLine joins the words of a text, without control characters.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r == utf8.RuneError {
			return ' ' // controls, and marks that turn the direction of writing
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// lasting writes a duration as people say it, in its two largest units.
func lasting(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %dh", d/day, d%day/time.Hour)
}
