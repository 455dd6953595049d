package service

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// source reads the streams of one service.
type source struct {
	env   connectors.Env
	conn  *Connection
	shelf *shelf
	tools tools
	usher *usher // of sessions, nil for none
}

func newSource(env connectors.Env, c *Connection, shared *shelf, t tools) (connectors.Source, error) {
	if _, err := web.Origin(c.BaseURL.Value); err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	s := &source{env: env, conn: c, shelf: shared, tools: t}
	s.usher = newUsher(s)
	return s, nil
}

// Open asks for the first pages, or for all of them when there is a spool.
func (s *source) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	return s.open(ctx, read, s.env.Spool)
}

func (s *source) open(ctx context.Context, read connectors.Read, dir string) (connectors.Reader, error) {
	stream, ok := s.conn.Streams.Get(read.Stream)
	if !ok {
		hint := document.Suggest(read.Stream, s.conn.Streams.Keys()).Hint
		return nil, fmt.Errorf("%w: the connection has no stream %q; %s", connectors.ErrConfig, read.Stream, hint)
	}
	if !stream.readable {
		return nil, fmt.Errorf("%w: the stream %q has no request: it is written to and not read", connectors.ErrConfig, read.Stream)
	}
	read.Fields = declared(connectors.Specs(&stream.Fields), read.Fields)
	f, err := s.fetcher(&read, &stream)
	if err != nil {
		return nil, err
	}
	r := &reader{feed: f, name: read.Stream, parted: stream.parted(), xml: func() bool { return f.written == inXML }}
	r.place, r.windowed = f, stream.windowed() && read.Cursor == nil
	r.base, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if dir != "" {
		if err := r.fetchAll(ctx, f, dir); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if err := r.learn(ctx, read, stream.Key, s.env.Limits); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// fetcher makes what asks for the pages of one read.
func (s *source) fetcher(read *connectors.Read, stream *StreamDef) (*fetcher, error) {
	f, err := s.bare(read, stream)
	if err == nil && s.usher != nil {
		f.usher = s.usher
		stream.formulas(s.conn, func(x *formula) { f.tells = f.tells || usesSession.MatchString(x.Value) })
	}
	return f, err
}

var usesSession = regexp.MustCompile(`\bsession\.token\b`)

// bare makes one that needs no session.
func (s *source) bare(read *connectors.Read, stream *StreamDef) (*fetcher, error) {
	caller, err := s.caller(read.Stream)
	if err != nil {
		return nil, err
	}
	f := &fetcher{conn: s.conn, name: read.Stream, stream: stream, limits: s.env.Limits, world: new(world), source: s, read: *read, zone: read.Zone, ended: true, firsts: make(map[uint64]bool),
		bounds: make(map[string]string), seed: maphash.MakeSeed(), asked: make(map[uint64]bool), served: make(map[uint64]bool), caller: caller}
	f.hash.SetSeed(f.seed)
	return f, f.furnish(read)
}

// caller makes what sends the requests for one stream.
func (s *source) caller(stream string) (*caller, error) {
	o := s.tools.web()
	o.Timeout, o.Idle, o.MaxReply = s.conn.Timeout.Std(), s.conn.Idle.Std(), int64(s.conn.MaxPage)
	if err := s.conn.trust(&o, s.env.Dir); err != nil {
		return nil, err
	}
	tokens := web.Options{Now: o.Now, Roots: o.Roots, Certificates: o.Certificates}
	for _, a := range append([]Address{s.conn.BaseURL}, s.conn.Origins...) {
		origin, err := web.Origin(a.Value)
		if err != nil {
			return nil, fmt.Errorf("origins: %w", err)
		}
		o.Origins = append(o.Origins, origin)
	}
	client, err := web.New(o)
	if err != nil {
		return nil, err
	}
	sign, err := signer(s.conn, s.env, tokens)
	if err != nil {
		return nil, err
	}
	judge, err := newJudge(s.conn, s.env.Limits)
	if err != nil {
		return nil, err
	}
	return &caller{client: client, signer: sign, budget: s.shelf.budget(s.conn, stream, s.env.Vault), judge: judge, tools: s.tools, log: s.env.Log, attempts: maxAttempts}, nil
}

// furnish gives the world what is known before the first request.
func (f *fetcher) furnish(read *connectors.Read) error {
	f.world.zone = read.Zone
	for _, name := range []string{"number", "offset", "size", "count"} {
		f.world.change("page", name).kind = record.Integer
	}
	f.world.change("page", "token")
	f.world.change("cursor", "from")
	f.world.change("cursor", "to")
	f.world.change("reply", "status").kind = record.Integer
	f.world.change("reply", "headers")
	f.world.change("reply", "body")
	if err := f.world.configure(f.conn); err != nil {
		return err
	}
	f.paths = f.stream.pathsOf(f.conn)
	for _, path := range f.paths {
		f.world.change(append([]string{"reply"}, path...)...)
	}
	return f.ask(read)
}

// Fields asks for the first pages and looks what is in them.
func (s *source) Fields(ctx context.Context, read connectors.Read) (*record.Shape, error) {
	r, err := s.open(ctx, read, "")
	if err != nil {
		return nil, err
	}
	return r.Shape(), r.Close()
}

// Check makes the request that proves the connection, or asks for the first
// page of the first stream.
func (s *source) Check(ctx context.Context) error {
	names := s.conn.Streams.Keys()
	stream := StreamDef{}
	names = slices.DeleteFunc(names, func(name string) bool {
		def, _ := s.conn.Streams.Get(name)
		return !def.readable
	})
	switch {
	case s.conn.Check != nil:
		stream.Request = *s.conn.Check
		names = []string{"check"}
	case len(names) == 0:
		return nil
	default:
		stream, _ = s.conn.Streams.Get(names[0])
	}
	f, err := s.fetcher(&connectors.Read{Stream: names[0]}, &stream)
	if err != nil {
		return err
	}
	f.caller.attempts = checkAttempts
	if s.conn.Check != nil {
		err = f.prove(ctx)
	} else if _, err = f.next(ctx); errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, f.close())
}

// prove makes the request of check, whose reply may be of any kind.
func (f *fetcher) prove(ctx context.Context) error {
	if _, err := f.exchange(ctx, &f.stream.Request); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// Late is how far before the position a read of a stream begins.
func (s *source) Late(stream string) time.Duration {
	d, _ := s.conn.Streams.Get(stream)
	if d.Cursor == nil {
		return 0
	}
	return d.Cursor.Lookback.Std()
}

// Reach is how far back a stream can be asked for changes.
func (s *source) Reach(stream string) time.Duration {
	d, _ := s.conn.Streams.Get(stream)
	if d.Cursor == nil {
		return 0
	}
	return d.Cursor.MaxAge.Std()
}

// Streams lists what the connection offers.
func (s *source) Streams(context.Context) ([]string, error) { return s.conn.Streams.Keys(), nil }

// formulas visits the expressions a read of the stream computes.
func (d *StreamDef) formulas(c *Connection, visit func(*formula)) {
	for _, list := range []*Values{&c.Headers.Values, &c.Query.Values} {
		for _, v := range list.values {
			v.each(visit)
		}
	}
	d.Request.each(visit)
	for i := range d.Carry.Entries {
		visit(&d.Carry.Entries[i].Value.expr)
	}
	if p := d.Page; p != nil {
		visit(&p.Until.formula)
		if p.Next != nil {
			p.Next.each(visit)
		}
	}
	if d.Job != nil {
		d.Job.each(visit)
	}
}

// pathsOf lists what the stream's expressions look at in a reply.
func (d *StreamDef) pathsOf(c *Connection) [][]string {
	var paths [][]string
	d.formulas(c, func(f *formula) { paths = append(paths, f.paths...) })
	if p := d.Page; p != nil && p.next.Value != "" && p.By != byKeyset {
		paths = append(paths, append([]string{"body"}, splitPath(p.next.Value)...))
	}
	return paths
}

// each visits the expressions of a value.
func (v *Value) each(visit func(*formula)) {
	visit(&v.expr)
	for _, one := range v.items {
		one.each(visit)
	}
}

// fetchAll fills a spool, which takes the place of the fetcher.
func (r *reader) fetchAll(ctx context.Context, f *fetcher, dir string) error {
	s, err := newPageSpool(dir)
	if err != nil {
		return err
	}
	r.feed = s
	err = s.fill(ctx, f)
	return errors.Join(err, f.close())
}

// learn reads the first records to see what members they have.
func (r *reader) learn(ctx context.Context, read connectors.Read, key []document.Text, limits connectors.Limits) error {
	samples, err := r.look(ctx)
	if err != nil {
		return err
	}
	newPlan := rows.NewPlan
	if r.xml() {
		newPlan = rows.NewXMLPlan
	}
	if r.plan, err = newPlan(read, samples, limits); err != nil {
		return err
	}
	for _, name := range key {
		if len(samples) > 0 && read.Wanted == nil && r.plan.Shape().Index(name.Value) < 0 && !reads(read.Fields, name.Value) {
			return &connectors.MissingColumnError{Input: read.Stream, Field: name.Value, Columns: []string{name.Value}, Known: r.plan.Shape().Names()}
		}
	}
	r.fill = rows.NewFiller(r.plan, place)
	return nil
}
