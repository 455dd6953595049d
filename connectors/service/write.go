package service

import (
	"net/http"
	"regexp"
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Writing says how documents are sent to a stream, with requests of one form.
type Writing[R any, F any] struct {
	Accepts     document.Map[fieldtype.Type] `yaml:"accepts" doc:"The fields that documents are made of, with their types; those the expressions use, all of them required, when not given." example:"{number: text, total: decimal, memo: {type: text, optional: true}}"`
	Find        []Lookup[F]                  `yaml:"find,one_or_list" doc:"How a document that is there already is found. The first one whose values are all known is asked, so that one by link.id stands before one by a number."`
	Settle      document.Duration            `yaml:"settle" doc:"How long the service may not find a document after it took it." example:"5s"`
	Idempotency *Idempotency                 `yaml:"idempotency" doc:"How the service is told that a request is sent again."`
	Mark        *Mark                        `yaml:"mark" doc:"Where our mark stands in a document, by which ours are told from others."`
	Create      *Sending[R]                  `yaml:"create" doc:"How a document is made; without it none is."`
	Update      *Sending[R]                  `yaml:"update" doc:"How a document is changed; without it none is."`
	Void        *Sending[R]                  `yaml:"void" doc:"How a document is taken back. No pipeline of this version asks for it."`
	Replies     []Reply                      `yaml:"replies,one_or_list" doc:"What replies to documents mean, before those of the connection. record, duplicate, stale, gone and closed_period are about the document; throttled waits; retry and unknown say that it may have been taken."`
}

// Sending is one request for one document.
type Sending[R any] struct {
	Request R       `yaml:"request" required:"true" doc:"The request, with everything but the body where that stands beside it."`
	Encode  string  `yaml:"encode" enum:"json,form,xml,text" doc:"How the body beside the request is written; json when not given."`
	Body    *Value  `yaml:"body" doc:"The document: a tree of values over record, intent.key, intent.mark, link.id, link.version and config. A mapping with each: =record.lines is made once for each line, whose fields are line.amount and so on." example:"{Number: =record.number, Lines: {each: =record.lines, Amount: =line.amount}}"`
	ID      *Output `yaml:"id" doc:"What the service calls the document: a path in the reply, or an expression over reply. A reply without it leaves the outcome unknown." example:"invoice.id"`
	Version *Output `yaml:"version" doc:"The version the document has now, for services that want it with a change." example:"invoice.version"`
}

// Lookup is one way to find a document.
type Lookup[F any] struct {
	Request F                   `yaml:"request" required:"true" doc:"The request, which changes nothing. It is made when everything that path and query insert has a value."`
	Records RecordPath          `yaml:"records" doc:"Path to what was found; that of the stream when not given." example:"data"`
	Match   document.Map[Value] `yaml:"match" doc:"Paths in what was found and the values they must have, for services that find more than was asked for." example:"{number: =record.number}"`
	ID      document.Text       `yaml:"id" doc:"Path to what the service calls it." example:"id"`
	Version document.Text       `yaml:"version" doc:"Path to its version."`
}

// Idempotency says how the service is told that a request is sent again.
type Idempotency struct {
	In       string            `yaml:"in" required:"true" enum:"header,query" doc:"Where the key stands."`
	Name     document.Text     `yaml:"name" required:"true" doc:"Name of the header or parameter." example:"Idempotency-Key"`
	Value    Formula           `yaml:"value" doc:"The key; =intent.key when not given, 26 letters and digits."`
	Max      int               `yaml:"max" doc:"The longest key the service takes." example:"50"`
	ValidFor document.Duration `yaml:"valid_for" default:"5m" doc:"How long the service knows a key for sure." example:"24h"`
	Replayed document.Text     `yaml:"replayed" doc:"Header of a reply that is given again." example:"Idempotent-Replayed"`
}

// Mark says where our mark stands in a document.
type Mark struct {
	Field document.Text `yaml:"field" required:"true" doc:"Path in what was found; its text holds the mark, which the body of create puts there with =intent.mark." example:"private_note"`
	Max   int           `yaml:"max" doc:"The longest mark there is room for; 16 letters and digits otherwise."`
}

// Output is something a reply says: a path in it, or an expression.
type Output struct {
	path document.Text
	expr formula
}

// DecodeDocument reads either form.
func (o *Output) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Scalar && len(n.Text()) > 0 && n.Text()[0] == '=' {
		o.expr.decode(n, d)
		return
	}
	d.DecodeField(n, &o.path, "")
}

// DocumentType says what is written.
func (o *Output) DocumentType() string {
	return "a path in the reply, or an expression behind `=` over reply"
}

// DocumentSchema is a text.
func (o *Output) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// WriteRequest is one request that changes something.
type WriteRequest struct {
	Method  string `yaml:"method" enum:"POST,PUT,PATCH,DELETE,GET" default:"POST" doc:"The method."`
	Path    Path   `yaml:"path" required:"true" doc:"Path below base_url; {name} inserts one value, escaped." example:"/invoices/{link.id}"`
	Query   Query  `yaml:"query" doc:"Query parameters; one whose expression has no value is left out."`
	Headers Header `yaml:"headers" doc:"Headers; one whose expression has no value is left out."`
	Encode  string `yaml:"encode" enum:"json,form,xml,text" doc:"How the body is written: json when not given; form as a browser does; xml with keys as elements in their order, @x as attributes and one key around them all; text for a single text or expression."`
	Body    *Value `yaml:"body" doc:"A tree of values, sent as encode says; it may stand beside the request as well."`
}

type writeRequestKeys WriteRequest

// DecodeDocument reads a request and checks that its body can be written.
func (r *WriteRequest) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*writeRequestKeys)(r))
	if body := n.Get("body"); body != nil && r.Body != nil {
		form := r.request()
		form.checkBody(body, d)
	}
}

// DocumentSchema is that of the keys.
func (r *WriteRequest) DocumentSchema(sub func(any) any) any { return sub(writeRequestKeys{}) }

// DocumentType says what is written.
func (r *WriteRequest) DocumentType() string {
	return "a mapping of `method`, `path`, `query`, `headers`, `encode` and `body`"
}

// request is the form the engine works with.
func (r *WriteRequest) request() Request {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	return Request{Method: method, Path: r.Path, Query: r.Query, Headers: r.Headers, Encode: r.Encode, Body: r.Body}
}

// shortestMark is how many characters of a mark tell documents apart for sure,
// and longestMark how many there are; keyLength is that of intent.key.
const (
	shortestMark = 8
	longestMark  = 16
	keyLength    = 26
)

type markKeys Mark

// DecodeDocument reads a mark and checks that there is room for it.
func (m *Mark) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*markKeys)(m))
	if at := n.Get("max"); at != nil && m.Max < shortestMark {
		d.Report.ErrorAt(at, document.CodeWrongType, "Name a field with more room.", "a mark needs room for %d characters", shortestMark)
	}
}

// DocumentSchema is that of the keys.
func (m *Mark) DocumentSchema(sub func(any) any) any { return sub(markKeys{}) }

// DocumentType says what is written.
func (m *Mark) DocumentType() string { return "a mapping of `field` and `max`" }

type idempotencyKeys Idempotency

// DecodeDocument reads how keys are sent and checks that they fit.
func (i *Idempotency) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*idempotencyKeys)(i))
	if at := n.Get("max"); at != nil && i.Max < keyLength && !i.Value.set() {
		d.Report.ErrorAt(at, document.CodeWrongType, "Write value: =left(intent.key, 20), but no shorter than 12.", "the key has %d characters, and the service takes %d", keyLength, i.Max)
	}
	if i.Value.set() && !usesKey.MatchString(i.Value.Value) {
		d.Report.ErrorAt(i.Value, document.CodeWrongType, "Make it of intent.key, which is the same whenever a document is sent again.", "the key is not the same for the same document")
	}
}

var usesKey = regexp.MustCompile(`\bintent\.(key|mark)\b`)

// DocumentSchema is that of the keys.
func (i *Idempotency) DocumentSchema(sub func(any) any) any { return sub(idempotencyKeys{}) }

// DocumentType says what is written.
func (i *Idempotency) DocumentType() string {
	return "a mapping of `in`, `name`, `value`, `max`, `valid_for` and `replayed`"
}

// life is how long the service knows a key.
func (i *Idempotency) life() time.Duration {
	if i == nil {
		return 0
	}
	return i.ValidFor.Std()
}
