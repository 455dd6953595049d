package service

import (
	"regexp"

	"github.com/tieout/tieout/schemas/document"
)

// writing is how documents are sent to a stream, in the form the engine works
// with.
type writing struct {
	accepts              accepted
	lookups              []lookup
	settle               document.Duration
	keys                 *Idempotency
	mark                 *Mark
	create, update, void *sending
	replies              []Reply
}

type sending struct {
	request     Request
	id, version *Output
}

type lookup struct {
	request     Request
	records     RecordPath
	match       document.Map[Value]
	id, version document.Text
}

// common makes the form the engine works with out of one with requests of
// another form.
func (w *Writing[R, F]) common(request func(*R) Request, find func(*F) Request) *writing {
	if w == nil {
		return nil
	}
	out := &writing{accepts: accepted{&w.Accepts}, settle: w.Settle, keys: w.Idempotency, mark: w.Mark, replies: w.Replies}
	for i := range w.Find {
		l := &w.Find[i]
		out.lookups = append(out.lookups, lookup{request: find(&l.Request), records: l.Records, match: l.Match, id: l.ID, version: l.Version})
	}
	out.create, out.update, out.void = w.Create.common(request), w.Update.common(request), w.Void.common(request)
	return out
}

func (s *Sending[R]) common(request func(*R) Request) *sending {
	if s == nil {
		return nil
	}
	r := request(&s.Request)
	if s.Body != nil {
		r.Body, r.Encode = s.Body, s.Encode
	}
	return &sending{request: r, id: s.ID, version: s.Version}
}

// sendings lists the operations there are.
func (w *writing) sendings() []*sending {
	var out []*sending
	for _, s := range []*sending{w.create, w.update, w.void} {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// formulas visits the expressions over what is sent.
func (w *writing) formulas(visit func(*formula)) {
	for _, s := range w.sendings() {
		s.request.each(visit)
	}
	for i := range w.lookups {
		l := &w.lookups[i]
		l.request.each(visit)
		for k := range l.match.Entries {
			l.match.Entries[k].Value.each(visit)
		}
	}
	if w.keys != nil {
		visit(&w.keys.Value.formula)
	}
}

type writingKeys[R any, F any] Writing[R, F]

// DecodeDocument reads how documents are sent, and checks that it goes together.
func (w *Writing[R, F]) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*writingKeys[R, F])(w))
	if n.Kind() != document.Mapping {
		return
	}
	if w.Create == nil && w.Update == nil && n.Get("create") == nil && n.Get("update") == nil {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write create: {request: {path: /invoices}, body: {...}, id: id}.", "documents can be neither made nor changed: there is neither %q nor %q", "create", "update")
	}
	if w.Mark != nil && w.Create != nil && len(w.Find) == 0 {
		d.Report.ErrorAt(n.KeyNode("mark"), document.CodeMisplacedKey, "Write find:, or remove it.", "a mark means nothing where documents cannot be found")
	}
	if marks := uses(w.Create, "intent.mark"); w.Mark != nil && w.Create != nil && !marks {
		d.Report.ErrorAt(n.KeyNode("mark"), document.CodeMissingKey, "Write =intent.mark into its field in the body of create.", "create puts no mark into the document")
	}
}

// DocumentSchema is that of the keys.
func (w *Writing[R, F]) DocumentSchema(sub func(any) any) any { return sub(writingKeys[R, F]{}) }

// DocumentType says what is written.
func (w *Writing[R, F]) DocumentType() string {
	return "a mapping of `accepts`, `find`, `idempotency`, `mark`, `create`, `update`, `void` and `replies`"
}

// uses reports whether an operation's expressions look at a name.
func uses[R any](s *Sending[R], name string) bool {
	if s == nil {
		return false
	}
	found, word := false, regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`)
	look := func(f *formula) { found = found || word.MatchString(f.Value) }
	if s.Body != nil {
		s.Body.each(look)
	}
	switch r := any(&s.Request).(type) {
	case *WriteRequest:
		form := r.request()
		form.each(look)
	case *SOAPRequest:
		form := r.request()
		form.each(look)
	}
	return found
}

type sendingKeys[R any] Sending[R]

// DecodeDocument reads one operation and checks that its body can be written.
func (s *Sending[R]) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*sendingKeys[R])(s))
	body, request := n.Get("body"), n.Get("request")
	if at := n.KeyNode("encode"); at != nil && body == nil {
		d.Report.ErrorAt(at, document.CodeMisplacedKey, "Write it where the body is.", "there is no body to encode")
	}
	if request != nil && request.Get("body") != nil {
		var tree *Value
		switch r := any(&s.Request).(type) {
		case *WriteRequest:
			tree = r.Body
		case *SOAPRequest:
			tree = r.Body
		}
		if tree != nil {
			tree.checkLines(request.Get("body"), d)
		}
	}
	if body == nil || s.Body == nil {
		return
	}
	s.Body.checkLines(body, d)
	if request != nil && request.Get("body") != nil {
		d.Report.ErrorAt(n.KeyNode("body"), document.CodeMisplacedKey, "Keep one of them.", "the request has a body already")
		return
	}
	form := Request{Encode: s.Encode, Body: s.Body}
	switch any(s.Request).(type) {
	case SOAPRequest:
		if at := n.KeyNode("encode"); at != nil {
			d.Report.ErrorAt(at, document.CodeMisplacedKey, "Remove it.", "a body of SOAP is XML")
		}
		if s.Body.kind != mapping {
			d.Report.ErrorAt(body, document.CodeWrongShape, "Write the names of elements and their values.", "%q takes keys and values", "body")
			return
		}
		checkXML(body, true, d)
	default:
		form.checkBody(body, d)
	}
}

// DocumentSchema is that of the keys.
func (s *Sending[R]) DocumentSchema(sub func(any) any) any { return sub(sendingKeys[R]{}) }

// DocumentType says what is written.
func (s *Sending[R]) DocumentType() string {
	return "a mapping of `request`, `body`, `encode`, `id` and `version`"
}

// Names that stand for a document, and those that stand for a read.
var (
	writeNames = regexp.MustCompile(`\b(record|line|intent|link)\b\s*[.\[]`)
	readNames  = regexp.MustCompile(`\b(cursor|page|each|parent)\b\s*[.\[]`)
)

// misplaced reports expressions that look at names which are not there: a read
// has no record, and a document no page.
func misplaced(f *formula, names *regexp.Regexp, why string, d *document.Decoder) {
	if m := names.FindStringSubmatchIndex(f.Value); m != nil {
		d.Report.ErrorAt(f.Slice(m[2], m[3]), document.CodeExprUnknownField, "", "%q is not known here: %s", f.Value[m[2]:m[3]], why)
	}
}
