package service

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
)

// feed yields the records of a read; io.EOF ends it.
type feed interface {
	next(ctx context.Context) (rows.Item, error)
	close() error
}

// keeper keeps the records of a page until it has arrived whole, so that one
// that breaks off can be asked for again.
type keeper interface {
	mark() error // a page begins
	drop() error // the page since the last mark did not arrive
}

// fetcher asks for the pages of one stream and cuts them into records.
type fetcher struct {
	caller *caller
	conn   *Connection
	name   string
	stream *StreamDef
	limits connectors.Limits
	source *source // of parents
	read   connectors.Read
	zone   *time.Location
	world  *world
	asking asking
	usher  *usher // of sessions, nil for none
	pass   pass
	tells  bool       // requests say where the token of a session goes
	walk   *walk      // nil before the first place
	paths  [][]string // of the reply, that expressions look at
	bounds map[string]string

	link   *url.URL // the next page, where a reply gave its address
	number int64    // of the page, or its offset
	token  string

	keeper  keeper // nil when records are used as they arrive
	cutter  cutter
	written string // how the reply is written
	page    *page  // the open one
	at      *url.URL
	trial   trial
	pages   int // asked for so far
	first   int // of them before this place
	count   int // records of the open page
	last    []byte
	ended   bool

	overlap overlap
	extra   []byte // members every record of the place gets, each with a comma
	spliced []byte
	tests   [2]*recordTest // keep_if, skip_if

	seed   maphash.Seed
	hash   maphash.Hash
	asked  map[uint64]bool // requests made
	served map[uint64]bool // pages received
	firsts map[uint64]bool // first requests of all places
}

// next gives the next record, asking for the next page when one has ended.
func (f *fetcher) next(ctx context.Context) (rows.Item, error) {
	for {
		if f.ended {
			more, err := f.move(ctx)
			if err != nil {
				return rows.Item{}, f.explain(err)
			}
			if !more {
				return rows.Item{}, io.EOF
			}
		}
		if f.page == nil {
			if err := f.open(ctx); err != nil {
				return rows.Item{}, f.explain(err)
			}
			continue
		}
		it, err := f.cutter.Next()
		switch {
		case err == nil:
			it = f.received(it)
			var keep bool
			if keep, err = f.kept(&it); err == nil && keep {
				return it, nil
			}
			if err == nil {
				continue
			}
		case errors.Is(err, io.EOF):
			err = f.turn(ctx, f.page)
		case (f.count == 0 || f.keeper != nil) && errors.Is(err, connectors.ErrEnvironment):
			err = f.restart(ctx, err)
		}
		if err != nil {
			f.leave()
			return rows.Item{}, f.explain(brokenReply(err, f.written))
		}
	}
}

func (f *fetcher) received(it rows.Item) rows.Item {
	f.count++
	it.Line = int64(f.pages)
	_, _ = f.hash.Write(it.Raw)
	_ = f.hash.WriteByte('\n')
	if p, c := f.stream.Page, f.stream.Cursor; p != nil && p.By == byKeyset || c != nil && c.Order == descending {
		f.last = append(f.last[:0], it.Raw...)
	}
	return it
}

// restart asks for the open page once more after it broke off.
func (f *fetcher) restart(ctx context.Context, err error) error {
	f.leave()
	f.pages--
	if f.keeper != nil {
		if err := f.keeper.drop(); err != nil {
			return err
		}
	}
	return f.caller.failed(ctx, &f.trial, err)
}

// explain says where in the read something went wrong.
func (f *fetcher) explain(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	page := fmt.Sprintf("stream %q, page %d", f.name, max(f.pages, 1))
	if f.at != nil { // without what it asks for, which may hold a key
		page += " of " + f.caller.judge.clean((&url.URL{Scheme: f.at.Scheme, Host: f.at.Host, Path: f.at.Path}).String())
	}
	return fmt.Errorf("%s: %w", page, err)
}

// open asks for the page the world stands on.
func (f *fetcher) open(ctx context.Context) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	r, err := f.build(&f.stream.Request, f.link)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	if f.trial == (trial{}) {
		if err := f.once(r); err != nil {
			return err
		}
	}
	f.pages++
	f.at, f.count = r.url, 0
	p, err := f.caller.send(ctx, r, &f.trial)
	if err != nil {
		return err
	}
	f.hash.Reset()
	if p.stream == nil {
		f.count = 0
		p.done()
		return f.turn(ctx, p)
	}
	f.page = p
	if f.keeper != nil {
		if err := f.keeper.mark(); err != nil {
			f.leave()
			return err
		}
	}
	return f.unpack(p, r)
}

// once refuses a request that was made before: the pages go round in a circle.
func (f *fetcher) once(r *call) error {
	var h maphash.Hash
	h.SetSeed(f.seed)
	for _, part := range []string{r.method, r.url.String(), string(r.body)} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	if f.asked[h.Sum64()] {
		return fmt.Errorf("%w: the next page is one that was read before, so the pages go round in a circle; check page: of the stream", errUnlike)
	}
	f.asked[h.Sum64()] = true
	if f.pages == f.first {
		if f.firsts[h.Sum64()] {
			return fmt.Errorf("%w: the stream is asked for the same twice; let its request say which one is meant, with each.x or parent.x", connectors.ErrConfig)
		}
		f.firsts[h.Sum64()] = true
	}
	return nil
}

// leave ends the open page.
func (f *fetcher) leave() {
	if f.page != nil {
		f.page.done()
		f.page = nil
	}
}

func (f *fetcher) close() error {
	f.leave()
	f.caller.client.Close()
	f.caller.signer.Close()
	return nil
}
