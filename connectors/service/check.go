package service

import (
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// Address is a URL without anything secret.
type Address struct{ document.Text }

// DecodeDocument reads it and checks that requests may go there.
func (a *Address) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.DecodeField(n, &a.Text, `ref:"true"`)
	if a.Value == "" || strings.Contains(a.Value, "${") {
		return
	}
	switch _, err := web.Origin(a.Value); {
	case err != nil:
		d.Report.ErrorAt(n, document.CodeNetRefused, "Write https://host/path; http is for this machine alone.", "the address cannot be used: %v", err)
	case strings.ContainsAny(a.Value, "?#@"):
		d.Report.ErrorAt(n, document.CodeNetRefused, "Write parameters under query and names and passwords under auth.", "the address holds more than host and path")
	}
}

// DocumentType says what is written.
func (a *Address) DocumentType() string { return "an https URL" }

// DocumentSchema is a text.
func (a *Address) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// Limit is one allowance of a service.
type Limit struct {
	Requests   int               `yaml:"requests" doc:"How many requests it allows in the time." example:"60"`
	Per        document.Duration `yaml:"per" doc:"The time. From an hour on, the count is kept over restarts and shared by all processes of the project." example:"1m"`
	Concurrent int               `yaml:"concurrent" doc:"How many requests may be under way at once." example:"5"`
	Remaining  document.Text     `yaml:"remaining" doc:"Header of a reply that says how many are left." example:"X-RateLimit-Remaining"`
	Reset      document.Text     `yaml:"reset" doc:"Header that says when there are more: seconds, a date, or an instant since 1970." example:"X-RateLimit-Reset"`
	ResetAs    string            `yaml:"reset_as" enum:"seconds,milliseconds,unix,unix_ms,date" doc:"What the numbers of reset are; told by their size when not given."`
	Scope      string            `yaml:"scope" enum:"app,tenant" doc:"Who shares the limit: app, when not given, all connections with the same address and credentials; tenant only those of them with the same config."`
	Streams    []document.Text   `yaml:"streams,one_or_list" doc:"The streams whose requests count; all when not given." example:"[reports]"`
	Exempt     []document.Text   `yaml:"exempt,one_or_list" doc:"Streams whose requests do not count." example:"[currencies]"`
}

// limitKeys is Limit without a way of its own to be decoded.
type limitKeys Limit

// mostRequests bounds the requests of one window that are remembered.
const mostRequests = 1_000_000

// DecodeDocument reads one limit and checks that it limits something.
func (l *Limit) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*limitKeys)(l))
	for _, key := range []string{"requests", "concurrent"} {
		value := map[string]int{"requests": l.Requests, "concurrent": l.Concurrent}[key]
		if at := n.Get(key); at != nil && (value < 1 || value > mostRequests) {
			d.Report.ErrorAt(at, document.CodeWrongType, "", "%s is a number from 1 to %d", key, mostRequests)
		}
	}
	if n.Kind() == document.Mapping && (l.Requests > 0) != (l.Per > 0) {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write both: {requests: 60, per: 1m}.", "%q and %q belong together", "requests", "per")
	}
	l.checkStreams(n, d)
	if n.Kind() == document.Mapping && l.Requests == 0 && l.Concurrent == 0 {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write {requests: 60, per: 1m} or {concurrent: 5}.", "the limit limits nothing")
	}
}

// checkStreams reports names that are no streams of the connection.
func (l *Limit) checkStreams(n *document.Node, d *document.Decoder) {
	var streams *document.Node
	for up := n.Parent(); up != nil && streams == nil; up = up.Parent() {
		streams = up.Get("streams")
	}
	if streams == nil || streams.Kind() != document.Mapping {
		return
	}
	var known []string
	for _, key := range streams.Keys() {
		known = append(known, key.Text())
	}
	for _, list := range [][]document.Text{l.Streams, l.Exempt} {
		for _, name := range list {
			if !slices.Contains(known, name.Value) {
				d.Report.ErrorAt(name, document.CodeSourceUnknownStream, document.Suggest(name.Value, known).Hint, "the connection has no stream %q", name.Value)
			}
		}
	}
}

// DocumentSchema is that of the keys.
func (l *Limit) DocumentSchema(sub func(any) any) any { return sub(limitKeys{}) }

// DocumentType says what is written.
func (l *Limit) DocumentType() string {
	return "a mapping of `requests` and `per`, or `concurrent`, with `remaining`, `reset`, `reset_as`, `scope`, `streams` and `exempt`"
}

// pageKeys is Page without a way of its own to be decoded.
type pageKeys Page

// maxPages bounds the pages of one read.
const maxPages = 1_000_000

// DecodeDocument reads the rules of paging and checks that they fit.
func (p *Page) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*pageKeys)(p))
	if n.Kind() != document.Mapping || p.By == "" {
		return
	}
	refuse := func(key string) {
		if at := n.KeyNode(key); at != nil {
			d.Report.ErrorAt(at, document.CodeMisplacedKey, "Remove it.", "%q means nothing where pages go by %s", key, p.By)
		}
	}
	if p.By != "number" && p.By != "offset" {
		refuse("first")
	}
	if p.By == "token" || p.By == "url" || p.By == "keyset" {
		p.needNext(n, d)
	} else {
		refuse("next")
	}
	for key, most := range map[string]int{"max": maxPages, "size": mostRequests} {
		value := map[string]int{"max": p.Max, "size": p.Size}[key]
		if at := n.Get(key); at != nil && (value < 1 || value > most) {
			d.Report.ErrorAt(at, document.CodeWrongType, "", "%s is a number from 1 to %d", key, most)
		}
	}
}

func (p *Page) needNext(n *document.Node, d *document.Decoder) {
	at := n.Get("next")
	if at == nil {
		d.Report.ErrorAt(n, document.CodeMissingKey, "next: where it stands, such as links.next.", "pages by %s need the key %q", p.By, "next")
		return
	}
	if p.Next == nil || p.Next.kind == computed && p.By != "keyset" {
		return
	}
	if p.next = at.Scalar(); p.Next.kind != plainText || strings.Trim(p.next.Value, ".") != p.next.Value {
		d.Report.ErrorAt(at, document.CodeWrongShape, "Write names divided by dots, such as links.next.", "next is a path")
	}
}

// DocumentSchema is that of the keys.
func (p *Page) DocumentSchema(sub func(any) any) any { return sub(pageKeys{}) }

// DocumentType says what is written.
func (p *Page) DocumentType() string {
	return "a mapping of `by`, `size`, `first`, `next`, `until` and `max`"
}
