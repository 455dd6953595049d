package service

import (
	"net/http"

	"github.com/tieout/tieout/schemas/document"
)

// Request is one request to a service.
type Request struct {
	Method  string `yaml:"method" enum:"GET,POST" doc:"GET, or POST for services that are asked with a body; POST where there is one, when not given."`
	Path    Path   `yaml:"path" required:"true" doc:"Path below base_url; {name} inserts one value, escaped." example:"/companies/{config.company}/invoices"`
	Query   Query  `yaml:"query" doc:"Query parameters; one whose expression has no value is left out." example:"{page: =page.number}"`
	Headers Header `yaml:"headers" doc:"Headers; one whose expression has no value is left out."`
	Encode  string `yaml:"encode" enum:"json,form,xml,text" doc:"How the body is written: json when not given; form as a browser does; xml with keys as elements in their order, @x as attributes and one key around them all; text for a single text or expression."`
	Body    *Value `yaml:"body" doc:"A tree of values, sent as encode says; a member whose expression has no value is left out. GraphQL is {query: ..., variables: {...}}." example:"{from: =cursor.from}"`

	soap *operation // of a service of SOAP
}

// requestKeys is Request without a way of its own to be decoded.
type requestKeys Request

// DecodeDocument reads a request and checks that its body can be written.
func (r *Request) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*requestKeys)(r))
	body := n.Get("body")
	if n.Kind() != document.Mapping {
		return
	}
	if at := n.KeyNode("encode"); at != nil && body == nil {
		d.Report.ErrorAt(at, document.CodeMisplacedKey, "Remove it, or give the request a body.", "there is no body to encode")
	}
	if at := n.Get("method"); at != nil && body != nil && r.Method == http.MethodGet {
		d.Report.ErrorAt(at, document.CodeWrongType, "Write POST, or remove the body.", "a GET has no body")
	}
	if body == nil || r.Body == nil {
		return
	}
	r.checkBody(body, d)
}

// checkBody reports shapes an encoding cannot write.
func (r *Request) checkBody(body *document.Node, d *document.Decoder) {
	wrong := func(hint, format string, args ...any) {
		d.Report.ErrorAt(body, document.CodeWrongShape, hint, format, args...)
	}
	switch r.Encode {
	case asForm:
		if r.Body.kind != mapping {
			wrong("Write body: {name: value}.", "a form has names and values")
			return
		}
		for i, one := range r.Body.items {
			one.flat(body.Children()[i], d, true)
		}
	case asXML:
		if r.Body.kind != mapping || len(r.Body.names) != 1 || r.Body.items[0].kind == sequence {
			wrong("Write body: {request: {...}}.", "a document of XML has one element around all others")
			return
		}
		checkXML(body, false, d)
	case asText:
		if r.Body.kind == mapping || r.Body.kind == sequence {
			wrong("Write one text or expression, or another encode.", "a body of text is a single value")
		}
	}
}

// DocumentSchema is that of the keys.
func (r *Request) DocumentSchema(sub func(any) any) any { return sub(requestKeys{}) }

// DocumentType says what is written.
func (r *Request) DocumentType() string {
	return "a mapping of `path`, `method`, `query`, `headers`, `encode` and `body`"
}

// verb is the method, as written or as is usual.
func (r *Request) verb() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Body != nil, r.soap != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// each visits the expressions of a request.
func (r *Request) each(visit func(*formula)) {
	for _, list := range []*Values{&r.Headers.Values, &r.Query.Values} {
		for _, v := range list.values {
			v.each(visit)
		}
	}
	for i := range r.Path.parts {
		visit(&r.Path.parts[i].expr)
	}
	if r.Body != nil {
		r.Body.each(visit)
	}
}
