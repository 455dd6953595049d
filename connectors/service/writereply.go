package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// ready proves who sends a request that is still to be made, so that a token is
// there when it is.
func (c *caller) ready(ctx context.Context) error {
	return c.signer.Sign(ctx, make(http.Header), make(url.Values))
}

// answer says what a reply means for a document. again is to send it once more:
// the service took nothing, since it did not know the token.
func (o *outlet) answer(p *page, r *call, doc *connectors.Document, refresh bool) (connectors.Delivery, bool, error) {
	now := o.tools.now()
	o.caller.budget.correct(p.stream.Header, now)
	if err := p.look(); err != nil && p.stream.Status < http.StatusMultipleChoices {
		return o.doubt(r, p.stream.Status, err.Error()), false, nil
	}
	v, err := o.caller.judge.first(p, now)
	if err != nil {
		return o.doubt(r, p.stream.Status, err.Error()), false, nil //nolint:nilerr // it is the outcome
	}
	o.caller.note(r, p.stream.Status, &v)
	d := connectors.Delivery{Status: p.stream.Status, RequestID: v.request, Reason: v.message}
	body := o.caller.judge.parse(p)
	is := v.is
	if !v.ruled {
		is = o.meaning(p.stream.Status, body, doc)
	}
	if d.Reason == "" {
		d.Reason = o.said(p, body)
	}
	switch is {
	case isOK, isEmpty:
		return o.confirmed(p, body, o.sending(doc.Operation), d), false, nil
	case isRecord, isGone, isClosedPeriod:
		d.Outcome, d.Reason = connectors.Refused, string(document.CodeSinkRefused)+": "+refusal(is, p.stream.Status, doc, d.Reason)+o.asked(r, p.stream.Status)
	case isDuplicate:
		d.Outcome = connectors.Duplicate
	case isStale:
		d.Outcome = connectors.Stale
	case isThrottled:
		d.Outcome, d.Wait = connectors.Later, v.wait
	case isRetry, isUnknown:
		d = o.doubt(r, p.stream.Status, strings.TrimSpace(fmt.Sprintf("status %d %s", p.stream.Status, d.Reason)))
		if d.RequestID = v.request; v.request != "" {
			d.Reason += fmt.Sprintf(" (request %q)", v.request)
		}
	case isRefresh:
		if refresh && (o.fetcher.usher != nil || o.caller.signer.Refresh(p.sent)) {
			return d, true, nil
		}
		return d, false, o.notSent(r, v.refusal(p.stream.Status, ""))
	default:
		v.is, v.message = is, d.Reason
		return d, false, o.notSent(r, v.refusal(p.stream.Status, p.stream.Moved()))
	}
	return d, false, nil
}

// confirmed takes from a reply what the service calls the document. A reply
// that should say so and does not proves nothing.
func (o *outlet) confirmed(p *page, body []byte, op *sending, d connectors.Delivery) connectors.Delivery {
	d.Outcome, d.Reason = connectors.Confirmed, ""
	if k := o.def.keys; k != nil && k.Replayed.Value != "" {
		d.Replayed = p.stream.Header.Get(k.Replayed.Value) != ""
	}
	said := strings.TrimSpace(string(p.head[:min(len(p.head), sniffed)]))
	if strings.HasPrefix(strings.ToLower(said), "<!doctype html") || strings.HasPrefix(strings.ToLower(said), "<html") {
		d.Outcome, d.Reason = connectors.Unknown, "the service answered with a web page, as it does for a login or an outage"
		return d
	}
	var err error
	for _, part := range []struct {
		out *Output
		to  *string
	}{{op.id, &d.ID}, {op.version, &d.Version}} {
		if part.out == nil {
			continue
		}
		if *part.to, err = o.output(p, body, part.out); err != nil || *part.to == "" {
			d.Outcome, d.Reason = connectors.Unknown, "the reply does not say what the document is called or which version it has; check id and version under write"
			return d
		}
	}
	return d
}

// output is what a reply says at a path, or what is computed of it.
func (o *outlet) output(p *page, body []byte, out *Output) (string, error) {
	j := o.caller.judge
	if !out.expr.set() {
		path := pathParts(out.path.Value)
		at := textIn(find(body, path, j.around()))
		if at == nil && o.records.Value != "" {
			at = textIn(find(body, append(o.records.parts(), path...), j.around()))
		}
		return plainAt(append(append([]byte(`{"x":`), orNull(at)...), '}'), "x"), nil
	}
	w := o.fetcher.world
	w.change("reply", "status").setNum(record.Integer, int64(p.stream.Status))
	for _, path := range out.expr.paths {
		if err := w.see(path, p.stream.Header, body, j.around()); err != nil {
			return "", err
		}
	}
	a, err := w.eval(&out.expr)
	return a.text, err
}

func orNull(raw []byte) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}

// look asks for what may be the document.
func (o *outlet) look(ctx context.Context, l *lookup) ([][]byte, error) {
	if err := o.fetcher.enter(ctx); err != nil {
		return nil, err
	}
	r, err := o.fetcher.make(&l.request, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request of find: %w", err)
	}
	finder := *o.finder
	judge := *o.finder.judge
	for i := range l.request.Path.parts {
		if l.request.Path.parts[i].expr.set() { // it names the document, which may be gone
			judge.rules = append(judge.rules[:len(judge.rules):len(judge.rules)], Reply{Status: []document.Text{document.TextAt("404", document.Position{})}, Is: isEmpty})
			break
		}
	}
	finder.judge = &judge
	p, err := finder.send(ctx, r, new(trial))
	if err != nil {
		return nil, err
	}
	defer p.done()
	if p.stream == nil {
		return nil, nil
	}
	if err := p.look(); err != nil {
		return nil, err
	}
	body := judge.parse(p)
	if body == nil {
		_, _ = io.CopyN(io.Discard, p.stream.Body, maxRefusal)
		return nil, fmt.Errorf("%w: what find: of %s is answered with is neither JSON nor XML of at most %d bytes", errReply, o.name, headMost)
	}
	if v, err := judge.last(p, body, o.tools.now()); err != nil || v.is != isOK {
		if err == nil {
			err = v.refusal(p.stream.Status, "")
		}
		return nil, err
	}
	records := l.records
	if records.Value == "" {
		records = o.records
	}
	at := body
	if records.Value != "" {
		at = find(body, records.parts(), judge.around())
	}
	if at == nil && plainAt(body, l.id.Value) != "" { // the document alone, asked for by its name
		at = body
	}
	return elements(at)
}

func contains(text, mark string) bool { return mark != "" && strings.Contains(text, mark) }
