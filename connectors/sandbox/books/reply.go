package books

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/tieout/tieout/schemas/record"
)

// reply is what is answered: a document, a list of them, or what is wrong.
type reply struct {
	status        int
	document      *Document
	list          []*Document
	code, message string
	again         []byte // the first answer, given once more
	kind          string
}

func problem(status int, code, message string) reply {
	return reply{status: status, code: code, message: message}
}

// render writes a reply.
func (r *reply) render(asXML bool) (text []byte, kind string) {
	if asXML {
		return r.xml(), "application/xml; charset=utf-8"
	}
	switch {
	case r.document != nil:
		return r.document.appendJSON(nil), "application/json"
	case r.list != nil:
		dst := []byte(`{"data":[`)
		for i, d := range r.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = d.appendJSON(dst)
		}
		return append(dst, "]}"...), "application/json"
	}
	dst := append([]byte(`{"error":{"code":`), quoted(r.code)...)
	return append(append(append(dst, `,"message":`...), quoted(r.message)...), "}}"...), "application/json"
}

func quoted(text string) []byte { return record.AppendJSONString(nil, []byte(text)) }

// members are the fields of a document, in order.
func (d *Document) members() [][2]string {
	status := "open"
	if d.Voided {
		status = "void"
	}
	return [][2]string{{"id", d.ID}, {"version", d.Version}, {"status", status}, {"number", d.Number}, {"date", d.Date}, {"customer", d.Customer}, {"note", d.Note}}
}

func (d *Document) appendJSON(dst []byte) []byte {
	for i, m := range d.members() {
		if i == 0 {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, quoted(m[0])...), ':'), quoted(m[1])...)
	}
	dst = append(append(dst, `,"total":`...), d.Total.String()...)
	dst = append(dst, `,"lines":[`...)
	for i, l := range d.Lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"account":`...), quoted(l.Account)...)
		dst = append(append(dst, `,"text":`...), quoted(l.Text)...)
		dst = append(append(append(dst, `,"amount":`...), l.Amount.String()...), '}')
	}
	return append(dst, "]}"...)
}

func (r *reply) xml() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	switch {
	case r.document != nil:
		r.document.appendXML(&b)
	case r.list != nil:
		b.WriteString("<documents>")
		for _, d := range r.list {
			d.appendXML(&b)
		}
		b.WriteString("</documents>")
	default:
		b.WriteString("<error>")
		element(&b, "code", r.code)
		element(&b, "message", r.message)
		b.WriteString("</error>")
	}
	return b.Bytes()
}

func element(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer takes everything
	b.WriteString("</" + name + ">")
}

func (d *Document) appendXML(b *bytes.Buffer) {
	name := strings.TrimSuffix(d.Kind, "s")
	b.WriteString("<" + name + ">")
	for _, m := range d.members() {
		element(b, m[0], m[1])
	}
	element(b, "total", d.Total.String())
	b.WriteString("<lines>")
	for _, l := range d.Lines {
		b.WriteString("<line>")
		element(b, "account", l.Account)
		element(b, "text", l.Text)
		element(b, "amount", l.Amount.String())
		b.WriteString("</line>")
	}
	b.WriteString("</lines></" + name + ">")
}
