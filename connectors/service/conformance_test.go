package service

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/schemas/record"
)

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
	for _, spooled := range []bool{false, true} {
		t.Run(fmt.Sprintf("spooled %v", spooled), func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				l := new(listing)
				s := serve(t, l.ServeHTTP)
				dir := ""
				if spooled {
					dir = t.TempDir()
				}
				src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /items, query: {at: =page.offset}}, records: data, page: {by: offset}}}", dir)
				return connectortest.SourceTarget{Source: src, Stream: "items", Fill: func(_ *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
					l.columns, l.rows = columns, rows
				}}
			}})
		})
	}
}
