package service

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"regexp"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

var usesLink = regexp.MustCompile(`\blink\.(id|version)\b`)

// outlet sends the documents of one load.
type outlet struct {
	name    string
	def     *writing
	conn    *Connection
	records RecordPath // of the stream
	caller  *caller
	finder  *caller // which judges as a read does
	fetcher *fetcher
	sheet   *sheet
	tools   tools
	leave   func() // of the request that was allowed
}

// Ready waits until the limits allow a request, and sees to a token.
func (o *outlet) Ready(ctx context.Context) error {
	o.release()
	leave, err := o.caller.enter(ctx)
	if err != nil {
		return err
	}
	err = o.caller.ready(ctx)
	if err == nil {
		err = o.fetcher.enter(ctx)
	}
	if err != nil {
		leave()
		return err
	}
	o.leave = leave
	return nil
}

func (o *outlet) release() {
	if o.leave != nil {
		o.leave()
		o.leave = nil
	}
}

// Close ends what is under way.
func (o *outlet) Close() error {
	o.release()
	o.caller.client.Close()
	o.caller.signer.Close()
	return nil
}

// prepare makes the request for a document.
func (o *outlet) prepare(d *connectors.Document) (*call, error) {
	op := o.sending(d.Operation)
	if op == nil {
		return nil, fmt.Errorf("the service cannot %s documents of %s", d.Operation, o.name)
	}
	if err := o.present(d); err != nil {
		return nil, err
	}
	r, err := o.fetcher.make(&op.request, nil)
	if err != nil || o.def.keys == nil {
		return r, err
	}
	return r, o.key(d, r)
}

// sending is how an operation is done, nil when it cannot be.
func (o *outlet) sending(op connectors.Operation) *sending {
	return map[connectors.Operation]*sending{connectors.Create: o.def.create, connectors.Update: o.def.update, connectors.Void: o.def.void}[op]
}

// present shows a document to the expressions.
func (o *outlet) present(d *connectors.Document) error {
	if err := o.sheet.take(d.Record); err != nil {
		return err
	}
	o.fetcher.world.show(d, o.mark(d), o.sheet)
	return nil
}

// mark is as much of a document's mark as there is room for.
func (o *outlet) mark(d *connectors.Document) string {
	if m := o.def.mark; m != nil && m.Max > 0 {
		return d.Mark[:min(len(d.Mark), m.Max)]
	}
	return d.Mark
}

// key puts the idempotency key into a request.
func (o *outlet) key(d *connectors.Document, r *call) error {
	keys, key := o.def.keys, d.IntentKey
	if keys.Value.set() {
		a, err := o.fetcher.world.eval(&keys.Value.formula)
		if err != nil || !a.has {
			return errors.Join(err, errors.New("the idempotency key has no value"))
		}
		key = a.text
	}
	if keys.Max > 0 && len(key) > keys.Max {
		return fmt.Errorf("the idempotency key has %d characters, and the service takes %d", len(key), keys.Max)
	}
	if keys.In == "header" {
		r.header.Set(keys.Name.Value, key)
		return nil
	}
	to := *r.url
	query := to.Query()
	query.Set(keys.Name.Value, key)
	to.RawQuery = query.Encode()
	r.url = &to
	return nil
}

// Send sends a document once; only a reply that says that who sent it was not
// known yet is answered with another attempt.
func (o *outlet) Send(ctx context.Context, d connectors.Document) (connectors.Delivery, error) {
	defer o.release()
	r, err := o.prepare(&d)
	if err != nil {
		return connectors.Delivery{Outcome: connectors.Refused, Reason: string(document.CodeSinkRefused) + ": the request cannot be made: " + o.caller.judge.clean(err.Error())}, nil
	}
	for refreshed := false; ; refreshed = true {
		connected := false
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
		stream, sent, err := o.caller.attempt(traced, r)
		switch {
		case err != nil && !connected:
			return connectors.Delivery{}, o.notSent(r, err)
		case err != nil:
			return o.doubt(r, 0, err.Error()), nil
		}
		p := &page{stream: stream, leave: func() {}, sent: sent}
		answer, again, err := o.answer(p, r, &d, !refreshed)
		p.done()
		if !again {
			return answer, err
		}
		if r, err = o.renew(ctx, &d, r); err != nil {
			return connectors.Delivery{}, fmt.Errorf("%w: %w", connectors.ErrNotSent, err)
		}
	}
}

// renew makes a request again with a session that has just begun.
func (o *outlet) renew(ctx context.Context, d *connectors.Document, r *call) (*call, error) {
	if o.fetcher.usher == nil {
		return r, nil
	}
	o.fetcher.usher.forget(o.fetcher.pass.token)
	if err := o.fetcher.enter(ctx); err != nil {
		return nil, err
	}
	return o.prepare(d)
}

// Find looks a document up with the first request whose values are all known.
func (o *outlet) Find(ctx context.Context, d connectors.Document) (connectors.Delivery, bool, error) {
	if err := o.present(&d); err != nil {
		return connectors.Delivery{}, false, err
	}
	for i := range o.def.lookups {
		l := &o.def.lookups[i]
		if !o.fetcher.world.knows(&l.request) {
			continue
		}
		found, err := o.look(ctx, l)
		if errors.Is(err, errUnlike) { // the question holds what the document is called by, and the service does not take it
			return connectors.Delivery{Outcome: connectors.Unknown, Reason: "it cannot be looked up: " + strings.TrimPrefix(err.Error(), errUnlike.Error()+": ")}, true, nil
		}
		if err != nil {
			return connectors.Delivery{}, false, err
		}
		return o.choose(&d, l, found)
	}
	return connectors.Delivery{}, false, fmt.Errorf("%w: no request under find: of %s can be made for this document", connectors.ErrConfig, o.name)
}

// knows reports whether all that path and query insert has a value.
func (w *world) knows(r *Request) bool {
	has := func(f *formula) bool {
		a, err := w.eval(f)
		return err == nil && a.has && a.text != ""
	}
	for i := range r.Path.parts {
		if f := &r.Path.parts[i].expr; f.set() && !has(f) {
			return false
		}
	}
	for _, v := range r.Query.values {
		if v.kind == computed && !has(&v.expr) {
			return false
		}
	}
	return true
}

// choose tells which of the things found is the document.
func (o *outlet) choose(d *connectors.Document, l *lookup, found [][]byte) (connectors.Delivery, bool, error) {
	var fit []connectors.Delivery
	for _, raw := range found {
		one := connectors.Delivery{Outcome: connectors.Confirmed, Replayed: true, ID: plainAt(raw, l.id.Value), Version: plainAt(raw, l.version.Value)}
		if l.id.Value != "" && one.ID == "" {
			return one, false, fmt.Errorf("%w: what find: of %s found has no %q", errUnlike, o.name, l.id.Value)
		}
		ok, err := o.matches(l, raw)
		if err != nil {
			return one, false, err
		}
		switch {
		case !ok:
			continue
		case d.ID != "" && one.ID == d.ID:
			return one, true, nil
		case o.def.mark != nil && contains(plainAt(raw, o.def.mark.Field.Value), o.mark(d)):
			return one, true, nil
		}
		one.Foreign = o.def.mark != nil
		fit = append(fit, one)
	}
	switch {
	case len(fit) == 0:
		return connectors.Delivery{}, false, nil
	case len(fit) > 1 && o.def.mark == nil:
		return connectors.Delivery{Outcome: connectors.Unknown, Reason: fmt.Sprintf("the service has %d documents like it", len(fit))}, true, nil
	}
	return fit[0], true, nil
}

func (o *outlet) matches(l *lookup, raw []byte) (bool, error) {
	for i := range l.match.Entries {
		e := &l.match.Entries[i]
		want, has, err := o.fetcher.world.text(&e.Value)
		if err != nil || !has || plainAt(raw, e.Key.Value) != want {
			return false, err
		}
	}
	return true, nil
}

// plainAt is the text or number at a path, "" when there is none.
func plainAt(raw []byte, path string) string {
	if path == "" {
		return ""
	}
	at := textIn(below(raw, pathParts(path)))
	if at == nil {
		return ""
	}
	switch jx.DecodeBytes(at).Next() {
	case jx.String:
		text, err := jx.DecodeBytes(at).Str()
		if err != nil {
			return ""
		}
		return text
	case jx.Number, jx.Bool:
		return string(at)
	}
	return ""
}

// elements are the things a reply lists; a single one counts as a list of one.
func elements(raw []byte) (out [][]byte, err error) {
	switch {
	case raw == nil:
		return nil, nil
	case jx.DecodeBytes(raw).Next() == jx.Array:
		err = jx.DecodeBytes(raw).Arr(func(d *jx.Decoder) error {
			one, err := d.Raw()
			out = append(out, one)
			return err
		})
		return out, err
	case jx.DecodeBytes(raw).Next() == jx.Object:
		return [][]byte{raw}, nil
	}
	return nil, nil
}
