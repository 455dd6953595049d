package service

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tieout/tieout/connectors"
)

// build makes the request for the page the world stands on.
func (f *fetcher) build() (*call, error) {
	r := &call{method: f.stream.Request.Method, header: make(http.Header)}
	if err := f.headers(r.header); err != nil {
		return nil, err
	}
	if body := f.stream.Request.Body; body != nil {
		text, _, err := f.world.appendJSON(nil, body)
		if err != nil {
			return nil, err
		}
		r.body = text
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", "application/json")
		}
	}
	if r.url = f.link; r.url != nil {
		return r, nil
	}
	path, err := f.path()
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(strings.TrimRight(f.conn.BaseURL.Value, "/") + path)
	if err != nil {
		return nil, fmt.Errorf("%w: base_url and path make no URL", connectors.ErrConfig)
	}
	query := to.Query()
	if err := f.query(query); err != nil {
		return nil, err
	}
	to.RawQuery = query.Encode()
	r.url = to
	return r, nil
}

func (f *fetcher) headers(to http.Header) error {
	to.Set("Accept", "application/json")
	for _, list := range []*Header{&f.conn.Headers, &f.stream.Request.Headers} {
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

// path is the path of the stream with its values put in, escaped.
func (f *fetcher) path() (string, error) {
	var b strings.Builder
	parts := f.stream.Request.Path.parts
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
			return "", fmt.Errorf("%w: {%s} in the path has no value that can stand there", connectors.ErrConfig, parts[i].expr.Value)
		}
		b.WriteString(url.PathEscape(a.text))
	}
	path := b.String()
	if !strings.HasPrefix(path, "/") && path != "" {
		path = "/" + path
	}
	return path, nil
}

func (f *fetcher) query(to url.Values) error {
	for _, list := range []*Query{&f.conn.Query, &f.stream.Request.Query} {
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
		f.bound(to, c.Send.From.Value, "from")
		f.bound(to, c.Send.To.Value, "to")
	}
	return nil
}

// bound adds one end of the cursor as a parameter.
func (f *fetcher) bound(to url.Values, name, end string) {
	if text := f.bounds[end]; name != "" && text != "" {
		to.Set(name, text)
	}
}
