package service

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// whole is a reply that is no page, taken in at once.
type whole struct {
	status int
	header http.Header
	body   []byte // its beginning as JSON, nil when it is neither JSON nor XML
	at     *url.URL
}

// text is a single value of the reply, "" for none.
func (a *whole) text(path *RecordPath) string {
	raw := textIn(find(a.body, path.parts(), 1))
	var b branch
	if raw == nil || b.setJSON(raw) != nil {
		return ""
	}
	return b.words()
}

// exchange makes a request that asks for no page.
func (f *fetcher) exchange(ctx context.Context, request *Request) (whole, error) {
	var a whole
	if err := f.enter(ctx); err != nil {
		return a, err
	}
	r, err := f.build(request, nil)
	if err != nil {
		return a, fmt.Errorf("make the request: %w", err)
	}
	p, err := f.caller.send(ctx, r, new(trial))
	if err != nil {
		return a, err
	}
	defer p.done()
	if a.at = r.url; p.stream == nil {
		return a, nil
	}
	if err := p.look(); err != nil {
		return a, err
	}
	a.status, a.header, a.body = p.stream.Status, p.stream.Header, f.caller.judge.parse(p)
	v, err := f.caller.judge.last(p, a.body, f.caller.tools.now())
	if err == nil && v.is != isOK && v.is != isEmpty {
		err = v.refusal(p.stream.Status, "")
	}
	return a, err
}
