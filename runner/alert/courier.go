package alert

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/tieout/tieout/connectors/web"
)

const (
	defaultGroup = 10 * time.Second
	// idle is how long a courier with nothing to do goes without looking, for
	// letters that other processes posted.
	idle = 15 * time.Second
	// pace is the least time between two looks at the mailbox.
	pace = time.Second
	// storeTrouble is how long it waits when the mailbox cannot be read.
	storeTrouble = 5 * time.Second
	// farthest is the longest any letter is made to wait; one that waits for
	// later than that was written while the clock was wrong.
	farthest = 2 * time.Hour
	// atOnce is how many destinations are written to at the same time.
	atOnce = 4
)

// CourierOptions are what a courier needs of the world.
type CourierOptions struct {
	Clock clockwork.Clock
	// Targets finds a target by its name under alerts; see ErrNoTarget.
	Targets func(name string) (Target, error)
	// Web are the limits of exchanges: Timeout (15 s when 0), UserAgent, Roots
	// and Resolver. Origins are those of each destination alone.
	Web web.Options
	// Group is how long a letter waits for others of its destination to be
	// sent with it; 0 is 10 s.
	Group time.Duration
	// Project, Environment and Zone are shown in messages. A nil Zone is UTC.
	Project     string
	Environment string
	Zone        *time.Location
	Log         *slog.Logger
}

// Courier delivers letters, each at least once: a process that ends between
// sending a message and marking it sends it again. Receivers of the webhook
// tell a repeat by Idempotency-Key and by the ids of its events.
type Courier struct {
	mail Mailbox
	o    CourierOptions
	wake chan struct{}

	passing sync.Mutex // one pass at a time

	mu   sync.Mutex // guards what senders share
	sent map[int64]time.Time
	hold map[string]time.Time   // by address, when the mailbox could not be told to defer
	free map[[32]byte]time.Time // by place, when the next message may be sent
}

// NewCourier makes a courier. It does nothing before Run or RunOnce.
func NewCourier(mail Mailbox, o CourierOptions) *Courier {
	if o.Group <= 0 {
		o.Group = defaultGroup
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Web.Timeout <= 0 {
		o.Web.Timeout = 15 * time.Second
	}
	o.Web.Now, o.Web.MaxReply = o.Clock.Now, 64<<10
	return &Courier{mail: mail, o: o, wake: make(chan struct{}, 1),
		sent: map[int64]time.Time{}, hold: map[string]time.Time{}, free: map[[32]byte]time.Time{}}
}

// Wake makes the courier look soon. It never blocks.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. What waits then is delivered by the next
// process, or by RunOnce.
func (c *Courier) Run(ctx context.Context) {
	troubled := false
	for ctx.Err() == nil {
		next, err := c.pass(ctx, c.o.Group)
		wait := idle
		switch {
		case err != nil && ctx.Err() == nil:
			if !troubled {
				c.o.Log.Error("deliver alerts", "code", codeAlert, "error", err)
			}
			wait = storeTrouble
		case !next.IsZero():
			wait = min(idle, next.Sub(c.o.Clock.Now()))
		}
		troubled = err != nil
		if !c.sleep(ctx, pace, false) {
			return
		}
		c.sleep(ctx, wait-pace, err == nil)
	}
}

// sleep waits, or less when woken, and reports whether ctx goes on.
func (c *Courier) sleep(ctx context.Context, d time.Duration, wakes bool) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	var wake <-chan struct{}
	if wakes {
		wake = c.wake
	}
	timer := c.o.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.Chan():
	}
	return ctx.Err() == nil
}

// RunOnce sends one message to each destination that letters wait for and
// that may be written to now. It does not wait for more letters to group, so
// that a process that ends leaves little behind. The error is that of the
// mailbox; letters that could not be delivered are deferred in it.
func (c *Courier) RunOnce(ctx context.Context) error {
	_, err := c.pass(ctx, 0)
	return err
}

// pass delivers what may be delivered and gives the time to look again; zero
// when nothing waits.
func (c *Courier) pass(ctx context.Context, group time.Duration) (next time.Time, err error) {
	c.passing.Lock()
	defer c.passing.Unlock()
	letters, err := c.mail.Waiting(ctx)
	if err != nil {
		return next, fmt.Errorf("read waiting letters: %w", err)
	}
	if letters, err = c.unsent(ctx, letters); err != nil {
		return next, err
	}
	now := c.o.Clock.Now()
	var senders errgroup.Group
	senders.SetLimit(atOnce)
	for _, p := range parcels(letters) {
		c.resolve(&p)
		at := c.ready(p, now, group)
		if next.IsZero() || at.Before(next) {
			next = at
		}
		if at.After(now) {
			continue
		}
		c.reserve(p, now)
		senders.Go(func() error { return c.deliver(ctx, p) })
	}
	return next, senders.Wait()
}

// unsent leaves out letters that were sent and could not be marked; they are
// marked now.
func (c *Courier) unsent(ctx context.Context, letters []Letter) ([]Letter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := map[int64]bool{}
	for _, l := range letters {
		waiting[l.ID] = true
	}
	for id, at := range c.sent {
		if waiting[id] {
			if err := c.mail.Deliver(ctx, []int64{id}, at); err != nil {
				return nil, fmt.Errorf("mark a letter as delivered: %w", err)
			}
		}
	}
	letters = slices.DeleteFunc(letters, func(l Letter) bool { _, was := c.sent[l.ID]; return was })
	clear(c.sent)
	return letters, nil
}

// parcel is what waits for one destination.
type parcel struct {
	address string
	name    string // of the target
	kind    string // of the destination
	letters []Letter
	url     string // secret
	trouble error  // of finding the URL
	gone    bool   // there is no such destination any more
	place   [32]byte
}

// parcels sorts letters by destination, in the order they came. One parcel
// makes one message.
func parcels(letters []Letter) []parcel {
	var list []parcel
	index := map[string]int{}
	for _, l := range letters {
		i, known := index[l.Target]
		if !known {
			name, kind := split(l.Target)
			i = len(list)
			index[l.Target] = i
			list = append(list, parcel{address: l.Target, name: name, kind: kind})
		}
		if len(list[i].letters) < maxLetters {
			list[i].letters = append(list[i].letters, l)
		}
	}
	return list
}

// ready gives the earliest time a parcel may be sent.
func (c *Courier) ready(p parcel, now time.Time, group time.Duration) time.Time {
	at := now
	wait := func(until time.Time) {
		if until.After(at) && until.Sub(now) <= farthest {
			at = until
		}
	}
	oldest := p.letters[0].CreatedAt
	for _, l := range p.letters {
		wait(l.NotBefore) // a place that asked to wait, waits for all
		if l.CreatedAt.Before(oldest) {
			oldest = l.CreatedAt
		}
	}
	if !oldest.After(now) {
		wait(oldest.Add(group))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wait(c.hold[p.address])
	wait(c.free[p.place])
	return at
}

// reserve notes that a message is sent to a place now, and forgets places
// that are free again.
func (c *Courier) reserve(p parcel, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, at := range c.free {
		if !at.After(now) {
			delete(c.free, place)
		}
	}
	c.free[p.place] = now.Add(spacing(p.kind))
}
