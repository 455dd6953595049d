package service

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/web"
)

// How a reply is written.
const (
	inJSON = "json"
	inXML  = "xml"
	inCSV  = "csv"
	inLine = "ndjson"
)

// cutter cuts the records out of replies.
type cutter interface {
	Next() (rows.Item, error)
	Found() bool
	Envelope() []byte
	Reset(io.Reader)
}

// unpack begins to cut a reply.
func (f *fetcher) unpack(p *page, r *call) error {
	body := bufio.NewReaderSize(p.body(), 4<<10)
	format, err := f.format(p, r, body)
	if err != nil {
		return err
	}
	if format == inCSV || format == inLine {
		if body, err = f.plain(p, body); err != nil {
			return err
		}
	}
	if f.cutter != nil && f.written == format {
		f.cutter.Reset(body)
		return nil
	}
	f.written = format
	switch {
	case format == inXML && f.stream.Inside.Value != "":
		f.cutter = rows.NewInsideCutter(body, f.cut())
	case format == inXML:
		f.cutter = rows.NewXMLCutter(body, f.cut())
	case format == inCSV, format == inLine:
		f.cutter = newLineCutter(body, format == inCSV, f.limits)
	default:
		f.cutter = rows.NewCutter(body, f.cut())
	}
	return nil
}

// plain makes sure that the end of lines is known to be their end, and unpacks
// them.
func (f *fetcher) plain(p *page, body *bufio.Reader) (*bufio.Reader, error) {
	head, _ := body.Peek(2) // who reads on meets the error again
	if string(head) != "\x1f\x8b" {
		if !p.stream.Framed {
			return nil, fmt.Errorf("%w: the reply does not say how long it is, so nobody could tell whether lines are missing", errReply)
		}
		return body, nil
	}
	packed, err := gzip.NewReader(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the reply is packed and damaged: %w", errReply, err)
	}
	return bufio.NewReaderSize(&inflated{in: packed, left: int64(f.conn.MaxPage)}, 4<<10), nil
}

// inflated bounds what is packed.
type inflated struct {
	in   io.Reader
	left int64
}

// Read gives what was packed.
func (r *inflated) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, fmt.Errorf("%w: the reply is longer than max_page when it is unpacked", web.ErrTooLarge)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the reply is packed and damaged: %w", errReply, err)
	}
	return n, err
}

// format tells how a reply is written, and refuses one that is neither JSON
// nor XML.
func (f *fetcher) format(p *page, r *call, body *bufio.Reader) (string, error) {
	h := p.stream.Header
	if encoding := h.Get("Content-Encoding"); encoding != "" {
		return "", fmt.Errorf("%w: the reply is encoded as %q, which was not asked for", errReply, encoding)
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "" // what it is, the bytes will tell
	}
	format := f.stream.Format
	if f.conn.soap != nil {
		format = inXML
	}
	told := formatOf(kind)
	if format == "" {
		format = told
	}
	if accept := r.header.Get("Accept"); format == "" && accept != f.accepted() {
		format = formatOf(accept)
	}
	if strings.Contains(kind, "html") {
		return "", webPage(format)
	}
	if format != inJSON || told == "" {
		head, _ := body.Peek(sniffed) // who reads on meets the error again
		if format, err = sniff(head, format); err != nil {
			return "", err
		}
	}
	if charset := strings.ToLower(params["charset"]); format == inJSON && charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" {
		return "", fmt.Errorf("%w: the reply is written in %q; JSON is UTF-8", errReply, charset)
	}
	return format, nil
}

// formatOf is the format a media type names, "" when it names none.
func formatOf(kind string) string {
	switch kind = strings.ToLower(kind); {
	case strings.Contains(kind, "ndjson"), strings.Contains(kind, "jsonl"):
		return inLine
	case strings.Contains(kind, "csv"):
		return inCSV
	case strings.Contains(kind, "json"):
		return inJSON
	case strings.Contains(kind, "/xml"), strings.Contains(kind, "+xml"):
		return inXML
	}
	return ""
}

// sniffed is how much of a reply is looked at to tell what it is.
const sniffed = 64

// sniff tells a web page, and XML where nothing else says so.
func sniff(head []byte, format string) (string, error) {
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))))
	switch {
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return format, webPage(format)
	case format != "":
		return format, nil
	case bytes.HasPrefix(head, []byte("<?xml")):
		return inXML, nil
	}
	return inJSON, nil
}

// webPage is the error of a reply for people.
func webPage(format string) error {
	what := "JSON"
	if format == inXML {
		what = "XML"
	}
	return fmt.Errorf("%w: the service answered with a web page instead of %s, as it does for a login or an outage; check base_url and the credentials", errReply, what)
}

// around is how many elements may stand around the first name of a path.
func (f *fetcher) around() int {
	switch {
	case f.written != inXML:
		return 0
	case f.conn.soap != nil:
		return soapAround
	}
	return 1
}

// cut says what of a reply is kept beside its records.
func (f *fetcher) cut() rows.Cut {
	c := rows.Cut{Limits: f.limits, Path: f.stream.Records.parts(), Inside: f.stream.Inside.parts(), Carry: f.stream.carries(), Around: f.around()}
	keep := func(path []string) {
		if path[0] == "body" && len(path) > 1 {
			c.Keep = append(c.Keep, dotted(path[1:]))
		}
	}
	for _, path := range f.paths {
		keep(path)
	}
	for i := range f.conn.Replies {
		r := &f.conn.Replies[i]
		for _, path := range slices.Concat(r.If.paths, r.Message.paths) {
			keep(path)
		}
	}
	switch {
	case f.conn.soap != nil:
		c.Keep = append(c.Keep, "Fault")
	case f.written == inJSON && len(c.Path) > 0:
		c.Keep = append(c.Keep, "errors")
	}
	return c
}
