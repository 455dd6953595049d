package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/record"
)

// How pages follow one another.
const (
	byNumber     = "number"
	byOffset     = "offset"
	byToken      = "token"
	byURL        = "url"
	byLinkHeader = "link_header"
	byKeyset     = "keyset"
)

// begin stands on the first page.
func (f *fetcher) begin() {
	p := f.stream.Page
	if p == nil {
		return
	}
	if p.By == byNumber {
		f.number = 1
	}
	if p.First != nil {
		f.number = int64(*p.First)
	}
	if p.Size > 0 {
		f.world.change("page", "size").setNum(record.Integer, int64(p.Size))
	}
	f.stand()
}

// stand tells the world the page that is asked for next.
func (f *fetcher) stand() {
	switch p := f.stream.Page; p.By {
	case byNumber:
		f.world.change("page", "number").setNum(record.Integer, f.number)
	case byOffset:
		f.world.change("page", "offset").setNum(record.Integer, f.number)
	case byToken, byKeyset:
		if f.token != "" {
			f.world.change("page", "token").setText(f.token)
		}
	}
}

// turn ends a page that was received whole, and stands on the next one.
func (f *fetcher) turn(ctx context.Context, p *page) error {
	empty := p.stream == nil
	if !empty {
		again, err := f.reconsider(ctx, p)
		if again || err != nil {
			return err
		}
		if !f.cutter.Found() {
			return f.notThere()
		}
		if err := f.repeated(); err != nil {
			return err
		}
		if err := f.learn(p); err != nil {
			return err
		}
	}
	f.leave()
	f.trial = trial{}
	rules := f.stream.Page
	if rules == nil || empty {
		f.ended = true
		return nil
	}
	if past, err := f.past(); err != nil || past {
		f.ended = past
		return err
	}
	if rules.Until.set() {
		over, err := f.over()
		if err != nil || over {
			f.ended = over
			return err
		}
	}
	if f.pages-f.first >= rules.Max {
		return fmt.Errorf("%w: there are more than %d pages; raise page: max, or check until", errUnlike, rules.Max)
	}
	return f.forward(p, rules)
}

// reconsider judges a reply once more when it has arrived whole: what it says
// beside its records may make an error of it.
func (f *fetcher) reconsider(ctx context.Context, p *page) (again bool, err error) {
	v, err := f.caller.judge.last(p, f.cutter.Envelope(), f.caller.tools.now())
	switch {
	case err != nil:
		return false, err
	case v.is == isOK:
		return false, nil
	case v.is == isEmpty || v.is == isGone:
		if f.count > 0 {
			return false, fmt.Errorf("%w: replies: says that the reply is empty, and there are records in it", errUnlike)
		}
		f.leave()
		f.trial, f.ended = trial{}, true
		return true, nil
	case f.count > 0 && f.keeper == nil:
		return false, v.refusal(p.stream.Status, "")
	}
	f.leave()
	f.pages--
	if f.keeper != nil {
		if err := f.keeper.drop(); err != nil {
			return false, err
		}
	}
	return true, f.caller.again(ctx, &f.trial, v, p.stream, p.sent)
}

// notThere says that the records are not where they were looked for.
func (f *fetcher) notThere() error {
	if m, can := f.cutter.(interface{ Missing() string }); can {
		return fmt.Errorf("%w: %s in the reply; check records: of the stream", errUnlike, m.Missing())
	}
	return fmt.Errorf("%w: the reply has no %q; check records: of the stream", errUnlike, f.stream.Records.Value)
}

// repeated refuses a page whose records are exactly those of one before.
func (f *fetcher) repeated() error {
	if f.count == 0 {
		return nil
	}
	sum := f.hash.Sum64()
	if f.served[sum] {
		return fmt.Errorf("%w: the page holds the same records as one before, so the service repeats itself; check page: of the stream", errUnlike)
	}
	f.served[sum] = true
	return nil
}

// learn tells the world what the reply said beside its records.
func (f *fetcher) learn(p *page) error {
	f.world.change("reply", "status").setNum(record.Integer, int64(p.stream.Status))
	f.world.change("page", "count").setNum(record.Integer, int64(f.count))
	for _, path := range f.paths {
		if err := f.world.see(path, p.stream.Header, f.cutter.Envelope(), f.around()); err != nil {
			return err
		}
	}
	return nil
}

// over asks the pipeline's own rule whether this was the last page.
func (f *fetcher) over() (bool, error) {
	until := &f.stream.Page.Until.formula
	a, err := f.world.eval(until)
	switch {
	case err != nil:
		return false, f.lacking(until, err)
	case a.kind != record.Boolean || !a.has:
		return false, f.lacking(until, fmt.Errorf("%s: until is neither true nor false for this reply, so the last page cannot be told", until.Position(0)))
	}
	return a.text == "true", nil
}

// lacking adds to an error what the expression looks at and the reply has not.
func (f *fetcher) lacking(x *formula, err error) error {
	for _, path := range x.paths {
		if path[0] == "body" && len(path) > 1 && !f.world.root.at(append([]string{"reply"}, path...)...).has {
			return fmt.Errorf("%w: the reply has no %q: %w", errUnlike, dotted(path[1:]), err)
		}
	}
	return err
}

// forward stands on the page behind this one, or ends the read.
func (f *fetcher) forward(p *page, rules *Page) error {
	var err error
	var next string
	switch rules.By {
	case byNumber, byOffset:
		if f.count == 0 && !rules.Until.set() {
			f.ended = true
			return nil
		}
		if f.number++; rules.By == byOffset {
			f.number += int64(f.count) - 1
		}
		f.stand()
		return nil
	case byKeyset:
		if f.count == 0 {
			f.ended = true
			return nil
		}
		if f.token, err = f.lastKey(rules); err == nil {
			f.stand()
		}
		return err
	case byLinkHeader:
		next = linkNext(p.stream.Header)
	default:
		next, err = f.told(rules)
	}
	if err != nil || next == "" {
		f.ended = err == nil
		return err
	}
	if rules.By == byToken {
		f.token = next
		f.stand()
		return nil
	}
	return f.follow(next)
}

// told is where the reply says the next page is, "" for nowhere.
func (f *fetcher) told(rules *Page) (string, error) {
	if rules.Next.kind == computed {
		a, err := f.world.eval(&rules.Next.expr)
		return a.text, err
	}
	b := f.world.root.at(append([]string{"reply", "body"}, strings.Split(rules.next.Value, ".")...)...)
	switch {
	case !b.has:
		return "", nil
	case b.kind == record.Boolean || b.deep || len(b.kids) > 0:
		return "", fmt.Errorf("%w: %q of the reply is neither text nor number, so it leads to no page", errUnlike, rules.next.Value)
	}
	if b.kind == record.Decimal {
		return b.dec.String(), nil
	}
	return b.plain(), nil
}

// lastKey is the value the next page begins behind.
func (f *fetcher) lastKey(rules *Page) (string, error) {
	raw := below(f.last, strings.Split(rules.next.Value, "."))
	var b branch
	if raw != nil {
		if err := b.setJSON(raw); err != nil {
			return "", err
		}
	}
	if !b.has || b.kind == record.Boolean || b.deep || b.kind == record.Text && b.text == "" {
		return "", fmt.Errorf("%w: the last record has no %q to go on behind", errUnlike, rules.next.Value)
	}
	if b.kind != record.Text {
		return string(raw), nil // a number keeps its own text
	}
	return b.text, nil
}

// follow stands on a page by its address, absolute or relative to the one
// before. It may only lead to the origins of the connection.
func (f *fetcher) follow(next string) error {
	to, err := f.at.Parse(next)
	if err != nil {
		return fmt.Errorf("%w: the address of the next page is no URL", errUnlike)
	}
	origin, err := web.Origin(to.String())
	if err != nil {
		return fmt.Errorf("the address of the next page: %w", err)
	}
	for _, allowed := range append([]Address{f.conn.BaseURL}, f.conn.Origins...) {
		if at, err := web.Origin(allowed.Value); err == nil && at == origin {
			to.User, to.Fragment = nil, ""
			f.link = to
			return nil
		}
	}
	return fmt.Errorf("%w: the next page is at %s, which is neither base_url nor one of origins", web.ErrRefused, origin)
}

// linkNext finds the address of rel="next" in Link headers.
func linkNext(h http.Header) string {
	for _, line := range h.Values("Link") {
		for line != "" {
			open, rest, ok := strings.Cut(line, "<")
			target, params, closed := strings.Cut(rest, ">")
			if !ok || !closed || strings.Trim(open, " ,\t") != "" {
				break
			}
			rel, after := linkParams(params)
			line = after
			if rel == "next" {
				return target
			}
		}
	}
	return ""
}

// linkParams gives the relation of one link, and what follows it.
func linkParams(text string) (rel, rest string) {
	at, quoted := 0, false
	for ; at < len(text) && (quoted || text[at] != ','); at++ {
		if text[at] == '"' {
			quoted = !quoted
		}
	}
	for _, param := range strings.Split(text[:at], ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, one := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(one, "next") {
				rel = "next"
			}
		}
	}
	if at < len(text) {
		rest = text[at+1:]
	}
	return rel, rest
}

// brokenReply names a body that is not what it should be.
func brokenReply(err error, format string) error {
	var broken *rows.BrokenError
	switch {
	case errors.As(err, &broken) && broken.First == '<':
		return webPage(format)
	case rows.Broken(err):
		return fmt.Errorf("%w: the reply is %w", errReply, err)
	case errors.Is(err, connectors.ErrConfig), errors.Is(err, connectors.ErrData), errors.Is(err, connectors.ErrEnvironment), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", errUnlike, err)
}
