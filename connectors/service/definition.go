package service

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Connection is a web service and what it offers.
type Connection struct {
	Common  `yaml:",inline"`
	Check   *Request   `yaml:"check" doc:"The cheapest request that proves the connection, for tieout check; the first page of the first stream when not given." example:"{path: /me}"`
	Streams StreamDefs `yaml:"streams" required:"true" doc:"What can be read, by name."`

	soap *SOAP // how SOAP is spoken; nil for plain HTTP
}

// Common are the keys of every connection to a web service.
type Common struct {
	BaseURL    Address                       `yaml:"base_url" required:"true" ref:"true" doc:"Where the paths of requests begin." example:"https://api.example.com/v1"`
	Origins    []Address                     `yaml:"origins,one_or_list" doc:"Further places, scheme://host, that links to next pages may lead to. Requests, and what proves who sends them, go nowhere else." example:"[https://files.example.com]"`
	Auth       Auth                          `yaml:"auth" doc:"How requests prove who sends them."`
	Config     Query                         `yaml:"config" doc:"Settings of your own, read by expressions as config.name." example:"{company: \"${env:COMPANY}\"}"`
	Types      document.Map[fieldtype.Named] `yaml:"types" doc:"Types with names of their own, for the fields of the streams." example:"{us_date: {as: date, pattern: MM/DD/YYYY}}"`
	Headers    Header                        `yaml:"headers" doc:"Headers of every request." example:"{Accept: application/json}"`
	Query      Query                         `yaml:"query" doc:"Query parameters of every request."`
	Limits     []Limit                       `yaml:"limits,one_or_list" doc:"How many requests the service allows; all of them are kept."`
	Replies    []Reply                       `yaml:"replies,one_or_list" doc:"What replies mean; the first that fits counts, before what is usual: 204 and 304 are empty, 429 and 503 wait, 408 and 5xx try again, other errors stop."`
	RequestID  document.Text                 `yaml:"request_id" doc:"Header of replies by which the service knows a request; it is logged, and named in errors." example:"X-Request-Id"`
	Timeout    document.Duration             `yaml:"timeout" default:"2m" doc:"How long a reply may take as a whole."`
	Idle       document.Duration             `yaml:"idle" default:"30s" doc:"How long a reply may send nothing."`
	CAFile     document.Text                 `yaml:"ca_file" ref:"true" doc:"File of certificates, as PEM, that the service's own may be signed by, beside those the system trusts." example:"certs/company.pem"`
	ClientCert document.Text                 `yaml:"client_cert" ref:"true" doc:"File with the certificate, as PEM, that proves to the service who asks." example:"certs/client.pem"`
	ClientKey  document.Text                 `yaml:"client_key" ref:"true" doc:"File with the key of client_cert." example:"certs/client.key"`
	ExactCase  bool                          `yaml:"exact_case" doc:"Send the names of headers with the letters they are written with here."`
	MaxPage    document.Size                 `yaml:"max_page" default:"1GiB" doc:"The largest reply, after inflating."`
}

// Authentication gives the settings under auth.
func (c *Common) Authentication() *auth.Settings { return &c.Auth.Settings }

// SourceOptions are the keys beside the common ones under source: there are
// none.
type SourceOptions struct{}

// SinkOptions are the keys beside the common ones under sink: there are none.
type SinkOptions struct{}

// StreamDefs are the streams of a connection by their names.
type StreamDefs = document.Map[StreamDef]

// StreamDef is one stream of a service.
type StreamDef struct {
	Request Request `yaml:"request" doc:"The request for one page; a stream without one cannot be read."`
	Reading `yaml:",inline"`
	Write   *Writing[WriteRequest, Request] `yaml:"write" doc:"How documents are sent to the stream."`

	write    *writing // Write, whatever its form
	readable bool
}

// Reading says what the replies of a stream hold.
type Reading struct {
	Format  string                       `yaml:"format" enum:"json,xml,csv,ndjson" doc:"How replies are written; csv begins with a line of names, ndjson has a record on each line, and both may be packed with gzip; told by their Content-Type, or by the Accept header of the request, when not given."`
	Records RecordPath                   `yaml:"records" doc:"Path to the list of records, such as data.items or Invoices/Invoice, * for any name; the document itself when not given. A single object or element counts as a list of one. Paths in XML are names without their prefixes, @x for an attribute; the root may be left out." example:"data.items"`
	Each    []Each                       `yaml:"each,one_or_list" doc:"What the stream is asked for once for each of, nested in order: records of another stream, values, stretches of time. Each combination of parents and values has a position of its own; one that is new is read from the start."`
	Job     *Job                         `yaml:"job" doc:"An export that the service makes in its own time, before the request of the stream reads what it made."`
	Inside  RecordPath                   `yaml:"inside" doc:"xml: path to the element whose text is another document, escaped or as CDATA; records is then a path in that." example:"GetDataResult"`
	Carry   document.Map[Carried]        `yaml:"carry" doc:"Values from around a record that are copied into it: a path that goes up from the record, such as ../../CustomerID, or ..name for the name of what it stands in; or an expression over each and parent." example:"{customer: ../../CustomerID, kind: ..name}"`
	KeepIf  RecordFormula                `yaml:"keep_if" doc:"Expression over the fields of a record; one for which it is false is left out." example:"=status != \"draft\""`
	SkipIf  RecordFormula                `yaml:"skip_if" doc:"Expression over the fields of a record; one for which it is true is left out." example:"=type == \"SubTotal\""`
	Fields  document.Map[fieldtype.Type] `yaml:"fields" doc:"Types of fields; fields not listed come as text." example:"{total: decimal}"`
	Key     []document.Text              `yaml:"key,one_or_list" doc:"Fields that identify a record; a stream without one of them fails." example:"[id]"`
	Cursor  *Cursor                      `yaml:"cursor" doc:"How the service is asked for what is new."`
	Page    *Page                        `yaml:"page" doc:"How the next page is found; there is one page when not given. Expressions see page.number, page.offset, page.token, page.size and page.count."`
}

// Cursor says how a service is asked for a part of a stream.
type Cursor struct {
	Field       document.Text     `yaml:"field" required:"true" doc:"Field that grows with every change, as the stream names it." example:"updated_at"`
	Send        Send              `yaml:"send" doc:"Query parameters that bound the read; cursor.from and cursor.to can stand in the request instead."`
	Granularity document.Duration `yaml:"granularity" doc:"The service cuts its stamps to multiples of this; bounds are widened to them." example:"1s"`
	Lookback    document.Duration `yaml:"lookback" doc:"How far before the position each read begins, for records the service shows late; sinks that append are spared it." example:"2s"`
	Lag         document.Duration `yaml:"lag" doc:"How far the upper bound stays behind the clock, where the service is asked with one." example:"1m"`
	MaxAge      document.Duration `yaml:"max_age" doc:"How far back the service can be asked for changes; a position that is older means that everything is read." example:"30d"`
	Order       string            `yaml:"order" enum:"ascending,descending" doc:"The order in which records come; descending ends the read with the first page whose last record lies before the lower bound."`
}

// Send names the parameters of the bounds.
type Send struct {
	From document.Text `yaml:"from" doc:"Parameter of the lower bound." example:"updated_since"`
	To   document.Text `yaml:"to" doc:"Parameter of the upper bound." example:"updated_before"`
}

// Page says how the next page is found.
type Page struct {
	By    string        `yaml:"by" required:"true" enum:"number,offset,token,url,link_header,keyset" doc:"number and offset count; token and url stand in the reply; link_header is its Link header; keyset goes on behind the last record. Requests see page.number, page.offset or page.token, which for keyset is the value of next in the last record and has none on the first page."`
	Size  int           `yaml:"size" doc:"Records asked for at once, as page.size." example:"100"`
	First *int          `yaml:"first" doc:"Number or offset of the first page; 1 and 0 when not given."`
	Next  *Value        `yaml:"next" doc:"Where the next token or URL stands: a path in the reply such as links.next, or an expression; for keyset a path in the record." example:"links.next"`
	Until Formula       `yaml:"until" doc:"True on the last page; page.count is how many records it has. Without it, pages end with an empty one, or where there is no next." example:"=page.number >= reply.body.pages"`
	Max   int           `yaml:"max" default:"100000" doc:"More pages than this are a mistake."`
	next  document.Text // Next as a path
}

// Definition describes a connector of that name. Readers of one process that
// use the same service share its limits.
func Definition(name, summary string) connectors.Definition {
	return definition(name, summary, func() any { return new(Connection) })
}

// described is what the settings of a connection are, whatever their form.
type described interface {
	auth.Holder
	settings() *Connection
}

func (c *Connection) settings() *Connection { return c }

func definition(name, summary string, connection func() any) connectors.Definition {
	shared := newShelf()
	return connectors.Definition{
		Name:       name,
		Summary:    summary,
		Connection: connection,
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      []connectors.Mode{connectors.Append, connectors.Upsert},
		Cursor:     true, Lag: true, Typed: true, Streams: streamsOf,
		CheckSink: func(connection, _ any, load connectors.Load) error {
			return checkSink(connection.(described).settings(), load)
		},
		NewSource: func(env connectors.Env, connection, _ any) (connectors.Source, error) {
			return newSource(env, connection.(described).settings(), shared, systemTools(env))
		},
		NewTarget: func(env connectors.Env, connection, _ any) (connectors.Target, error) {
			return newTarget(env, connection.(described).settings(), shared, systemTools(env))
		},
	}
}
