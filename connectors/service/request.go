package service

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tieout/tieout/connectors"
)

// build makes a request for the page the world stands on; it can be made anew
// with another session.
func (f *fetcher) build(request *Request, link *url.URL) (*call, error) {
	r, err := f.make(request, link)
	if err == nil && f.usher != nil {
		r.again = func(ctx context.Context) error {
			f.usher.forget(f.pass.token)
			if err := f.enter(ctx); err != nil {
				return err
			}
			fresh, err := f.make(request, link)
			if err == nil {
				r.url, r.header, r.body = fresh.url, fresh.header, fresh.body
			}
			return err
		}
	}
	return r, err
}

// make makes a request. link is where it goes when a reply has said so.
func (f *fetcher) make(request *Request, link *url.URL) (*call, error) {
	r := &call{method: request.verb(), header: make(http.Header), url: link}
	if err := f.headers(r.header, &request.Headers); err != nil {
		return nil, err
	}
	if err := f.body(r, request); err != nil {
		return nil, err
	}
	f.show(r.header)
	if f.conn.ExactCase {
		exactCase(r.header, f.conn.Headers.names, request.Headers.names)
	}
	if link != nil {
		return r, nil
	}
	path, err := f.path(request)
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(strings.TrimRight(f.base(), "/") + path)
	if err != nil {
		return nil, fmt.Errorf("%w: base_url and path make no URL", connectors.ErrConfig)
	}
	query := to.Query()
	if err := f.query(query, &request.Query); err != nil {
		return nil, err
	}
	to.RawQuery = query.Encode()
	r.url = to
	return r, nil
}

// body writes the body of a request and says in a header what it is.
func (f *fetcher) body(r *call, request *Request) (err error) {
	kind := ""
	switch {
	case request.soap != nil:
		r.body, err = f.conn.soap.envelope(f.world, request, r.header, f.caller.tools)
		return err
	case request.Body == nil:
		return nil
	}
	if r.body, kind, err = f.world.body(request.Encode, request.Body); err == nil && r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", kind)
	}
	return err
}

// accepted is what a request says it can read.
func (f *fetcher) accepted() string {
	switch {
	case f.conn.soap != nil:
		return "text/xml, application/soap+xml, application/xml"
	case f.stream.Format == inXML:
		return "application/xml, text/xml"
	}
	return "application/json"
}

func (f *fetcher) headers(to http.Header, own *Header) error {
	to.Set("Accept", f.accepted())
	for _, list := range []*Header{&f.conn.Headers, own} {
		for i, name := range list.names {
			text, has, err := f.world.text(list.values[i])
			if err != nil {
				return err
			}
			if strings.ContainsAny(text, "\r\n\x00") {
				return fmt.Errorf("%w: the header %q cannot hold a line end", connectors.ErrConfig, name)
			}
			if has {
				to.Set(name, text)
			}
		}
	}
	to.Del("Accept-Encoding") // the client inflates what it asked for
	return nil
}

// exactCase gives headers the names they are written with.
func exactCase(h http.Header, lists ...[]string) {
	for _, names := range lists {
		for _, name := range names {
			canonical := http.CanonicalHeaderKey(name)
			if values := h[canonical]; name != canonical && values != nil {
				delete(h, canonical)
				h[name] = values
			}
		}
	}
}

// path is the path of a request with its values put in, escaped.
func (f *fetcher) path(request *Request) (string, error) {
	var b strings.Builder
	parts := request.Path.parts
	for i := range parts {
		if !parts[i].expr.set() {
			b.WriteString(parts[i].text)
			continue
		}
		a, err := f.world.eval(&parts[i].expr)
		if err != nil {
			return "", err
		}
		if !a.has || a.text == "" || a.text == "." || a.text == ".." {
			return "", f.unplaced(&parts[i].expr, &a)
		}
		b.WriteString(url.PathEscape(a.text))
	}
	path := b.String()
	if !strings.HasPrefix(path, "/") && path != "" {
		path = "/" + path
	}
	return path, nil
}

// unplaced is the error of a value that no path can hold: escaped or not, the
// dots lead elsewhere, and nothing at all names something else.
func (f *fetcher) unplaced(x *formula, a *answer) error {
	value, whose, way := "no value", "", ""
	if a.has {
		value = fmt.Sprintf("the value %q", a.text)
	}
	if k := f.walk; k != nil && k.began && len(k.axes) > 0 {
		whose = fmt.Sprintf(" for %q", f.caller.judge.clean(k.part))
		way = "; keep_if under each of the stream leaves it out"
	}
	return fmt.Errorf("%w: {%s} in the path has %s%s, which cannot stand in an address%s", connectors.ErrConfig, x.Value, value, whose, way)
}

func (f *fetcher) query(to url.Values, own *Query) error {
	for _, list := range []*Query{&f.conn.Query, own} {
		for i, name := range list.names {
			v := list.values[i]
			if v.kind != sequence {
				v = &Value{kind: sequence, items: []*Value{v}}
			}
			to.Del(name)
			for _, one := range v.items {
				text, has, err := f.world.text(one)
				if err != nil {
					return err
				}
				if has {
					to.Add(name, text)
				}
			}
		}
	}
	if c := f.stream.Cursor; c != nil {
		f.limit(to, c.Send.From.Value, "from")
		f.limit(to, c.Send.To.Value, "to")
	}
	return nil
}

// limit adds one end of the cursor as a parameter.
func (f *fetcher) limit(to url.Values, name, end string) {
	if text := f.bounds[end]; name != "" && text != "" {
		to.Set(name, text)
	}
}
