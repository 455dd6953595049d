package service

import (
	"github.com/tieout/tieout/schemas/document"
)

type streamKeys StreamDef

// DecodeDocument reads a stream and checks that it can be read or written.
func (d *StreamDef) DecodeDocument(n *document.Node, in *document.Decoder) {
	in.Decode(n, (*streamKeys)(d))
	d.write = d.Write.common(func(r *WriteRequest) Request { return r.request() }, func(r *Request) Request { return *r })
	d.readable = n.Get("request") != nil
	checkStream(n, in, d)
}

// DocumentSchema is that of the keys.
func (d *StreamDef) DocumentSchema(sub func(any) any) any { return sub(streamKeys{}) }

// DocumentType says what is written.
func (d *StreamDef) DocumentType() string {
	return "a mapping of `request` and how its replies are read, and `write`"
}

type soapStreamKeys SOAPStream

// DecodeDocument reads a stream and checks that it can be read or written.
func (s *SOAPStream) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*soapStreamKeys)(s))
	def := s.common()
	s.readable = n.Get("request") != nil
	checkStream(n, d, &def)
}

// DocumentSchema is that of the keys.
func (s *SOAPStream) DocumentSchema(sub func(any) any) any { return sub(soapStreamKeys{}) }

// DocumentType says what is written.
func (s *SOAPStream) DocumentType() string {
	return "a mapping of `request` and how its replies are read, and `write`"
}

// common is the form the engine works with.
func (s *SOAPStream) common() StreamDef {
	form := func(r *SOAPRequest) Request { return r.request() }
	return StreamDef{Request: s.Request.request(), Reading: s.Reading, write: s.Write.common(form, form), readable: s.readable}
}

// checkStream reports a stream of no use, and expressions that look at names
// of the other side.
func checkStream(n *document.Node, d *document.Decoder, s *StreamDef) {
	if n.Kind() != document.Mapping {
		return
	}
	if n.Get("request") == nil && n.Get("write") == nil {
		d.Report.ErrorAt(n, document.CodeMissingKey, "request: {path: /invoices}", "%q is missing", "request")
	}
	s.Request.each(func(f *formula) {
		misplaced(f, writeNames, "a read has no document; it stands under write alone", d)
	})
	if s.write == nil {
		return
	}
	s.write.formulas(func(f *formula) {
		misplaced(f, readNames, "documents are sent one at a time, and a request for one has no page", d)
	})
}
