package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// target sends documents to the streams of one service.
type target struct{ *source }

func newTarget(env connectors.Env, c *Connection, shared *shelf, t tools) (connectors.Target, error) {
	s, err := newSource(env, c, shared, t)
	if err != nil {
		return nil, err
	}
	return &target{s.(*source)}, nil
}

// writing finds how documents are sent to a stream.
func (t *target) writing(name string) (*StreamDef, error) {
	def, ok := t.conn.Streams.Get(name)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: the connection has no stream %q; %s", connectors.ErrConfig, name, document.Suggest(name, t.conn.Streams.Keys()).Hint)
	case def.write == nil:
		return nil, fmt.Errorf("%w: the stream %q cannot be written: it has no key \"write\"", connectors.ErrConfig, name)
	}
	return &def, nil
}

// Traits tell what can be done with the documents of a stream.
func (t *target) Traits(name string) (connectors.Traits, error) {
	def, err := t.writing(name)
	if err != nil {
		return connectors.Traits{}, err
	}
	w := def.write
	traits := connectors.Traits{Create: w.create != nil, Update: w.update != nil, Void: w.void != nil, KeyLife: w.keys.life(),
		FindDelay: w.settle.Std(), Marks: w.mark != nil, Real: !web.Local(t.conn.BaseURL.Value)}
	for _, at := range t.conn.Origins { // a session may lead there
		traits.Real = traits.Real || !web.Local(at.Value)
	}
	for i := range w.lookups {
		linked := false
		w.lookups[i].request.each(func(f *formula) { linked = linked || usesLink.MatchString(f.Value) })
		traits.Find, traits.Read = traits.Find || !linked, true
	}
	return traits, nil
}

// Open checks that documents can be made of the records of a load.
func (t *target) Open(_ context.Context, load connectors.Load) (connectors.Outlet, error) {
	def, err := t.writing(load.Stream)
	if err != nil {
		return nil, err
	}
	w := def.write
	if err := w.fits(&load); err != nil {
		return nil, err
	}
	o := &outlet{name: load.Stream, def: w, conn: t.conn, tools: t.tools}
	if o.caller, err = t.caller(load.Stream); err != nil {
		return nil, err
	}
	o.caller.judge.rules = slices.Concat(w.replies, t.conn.Replies)
	finder := *o.caller
	if finder.judge, err = newJudge(t.conn, t.env.Limits); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	o.finder, o.records = &finder, def.Records
	o.fetcher = &fetcher{conn: t.conn, name: load.Stream, stream: &StreamDef{Reading: Reading{Format: def.Format}}, limits: t.env.Limits, world: new(world), caller: o.caller, usher: t.usher}
	look := func(f *formula) { o.fetcher.tells = o.fetcher.tells || usesSession.MatchString(f.Value) }
	w.formulas(look)
	for _, list := range []*Values{&t.conn.Headers.Values, &t.conn.Query.Values} {
		for _, v := range list.values {
			v.each(look)
		}
	}
	if o.sheet, err = newSheet(w.specs(load.Shape), t.env.Limits); err == nil {
		o.fetcher.world.zone = load.Zone
		err = o.furnish()
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// furnish gives the world what expressions see, and compiles them with the
// kinds the records have.
func (o *outlet) furnish() error {
	w := o.fetcher.world
	for _, path := range [][]string{{"reply", "status"}, {"reply", "headers"}, {"reply", "body"}, {"session", "token"}} {
		w.change(path...)
	}
	w.change("reply", "status").kind = record.Integer
	if err := w.configure(o.conn); err != nil {
		return err
	}
	if err := o.sheet.take(skeleton(nil, o.sheet.plan.Shape())); err != nil {
		return err
	}
	w.show(&connectors.Document{IntentKey: "k", Mark: "m"}, "m", o.sheet)
	var failed error
	for _, s := range o.def.sendings() {
		failed = errors.Join(failed, w.checkRequest(&s.request))
	}
	for i := range o.def.lookups {
		l := &o.def.lookups[i]
		failed = errors.Join(failed, w.checkRequest(&l.request))
		for k := range l.match.Entries {
			failed = errors.Join(failed, w.checkValue(&l.match.Entries[k].Value))
		}
	}
	if failed != nil {
		return fmt.Errorf("%w: documents of %s cannot be made of these records: %w", connectors.ErrConfig, o.name, failed)
	}
	return nil
}

// checkRequest compiles the expressions of a request.
func (w *world) checkRequest(r *Request) error {
	var failed error
	for _, list := range []*Values{&r.Headers.Values, &r.Query.Values} {
		for _, v := range list.values {
			failed = errors.Join(failed, w.checkValue(v))
		}
	}
	for i := range r.Path.parts {
		if r.Path.parts[i].expr.set() {
			failed = errors.Join(failed, w.checkFormula(&r.Path.parts[i].expr))
		}
	}
	if r.Body != nil {
		failed = errors.Join(failed, w.checkValue(r.Body))
	}
	return failed
}

func (w *world) checkFormula(f *formula) error {
	w.settle()
	_, err := w.compile(f)
	return err
}

// checkValue compiles the expressions of a tree, those for lines with the kinds
// of a line.
func (w *world) checkValue(v *Value) error {
	if list := v.repeats(); list != nil {
		return w.lines(list, func() error { return w.checkValue(v.line()) })
	}
	if v.kind == computed {
		return w.checkFormula(&v.expr)
	}
	var failed error
	for _, one := range v.items {
		failed = errors.Join(failed, w.checkValue(one))
	}
	return failed
}

// skeleton is a record without values, whose lists have one line each.
func skeleton(dst []byte, shape *record.Shape) []byte {
	dst = append(dst, '{')
	some := false
	for i := range shape.Fields {
		f := &shape.Fields[i]
		if f.Child == nil {
			continue
		}
		if some {
			dst = append(dst, ',')
		}
		some = true
		dst = append(record.AppendJSONString(dst, []byte(f.Name)), ':')
		if f.Kind == record.List {
			dst = append(skeleton(append(dst, '['), f.Child), ']')
			continue
		}
		dst = skeleton(dst, f.Child)
	}
	return append(dst, '}')
}
