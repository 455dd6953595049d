package service

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/schemas/record"
)

// ServeXML is ServeHTTP in XML; what has no value is an empty element.
func (l *listing) ServeXML(w http.ResponseWriter, r *http.Request) {
	at, _ := strconv.Atoi(r.URL.Query().Get("at"))
	b := []byte(`<?xml version="1.0"?><reply xmlns:r="urn:r"><meta>1</meta><r:rows>`)
	for i := at; i < min(at+100, len(l.rows)); i++ {
		b = append(b, "<r:row>"...)
		for _, c := range l.columns {
			b = append(append(b, '<'), c.Name...)
			if v, has := l.rows[i][c.Name]; has && v != "" {
				b, _ = appendEscaped(append(b, '>'), v)
				b = append(append(append(b, "</"...), c.Name...), '>')
			} else {
				b = append(b, "/>"...)
			}
		}
		b = append(b, "</r:row>"...)
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append(b, "</r:rows></reply>"...))
}

// listing is a service that gives its rows in pages of a hundred.
type listing struct {
	columns []connectortest.Column
	rows    []connectortest.Row
}

func (l *listing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, _ := strconv.Atoi(r.URL.Query().Get("at"))
	b := []byte(`{"meta":{"n":1},"data":[`)
	for i := at; i < min(at+100, len(l.rows)); i++ {
		if i > at {
			b = append(b, ',')
		}
		b = append(b, '{')
		for k, c := range l.columns {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(record.AppendJSONString(b, []byte(c.Name)), ':')
			if v, has := l.rows[i][c.Name]; has {
				b = record.AppendJSONString(b, []byte(v))
			} else {
				b = append(b, "null"...)
			}
		}
		b = append(b, '}')
	}
	_, _ = w.Write(append(b, "]}"...))
}

// The service knows no cursor, so it is read whole, and the runner leaves out
// what lies outside the bounds.
func TestSourceConformance(t *testing.T) {
	for name, spooled := range map[string]bool{"JSON": false, "JSON, spooled": true, "XML": false, "XML, spooled": true} {
		t.Run(name, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				l := new(listing)
				s, path := serve(t, l.ServeHTTP), "data"
				if strings.HasPrefix(name, "XML") {
					if strings.Contains(t.Name(), "columns_under_other_names") {
						t.Skip("no element is called Charge No")
					}
					s, path = serve(t, l.ServeXML), "rows/row"
				}
				dir := ""
				if spooled {
					dir = t.TempDir()
				}
				src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /items, query: {at: =page.offset}}, records: "+path+", page: {by: offset}}}", dir)
				return connectortest.SourceTarget{Source: src, Stream: "items", Fill: func(_ *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
					l.columns, l.rows = columns, rows
				}}
			}})
		})
	}
}
