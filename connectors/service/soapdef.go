package service

import (
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// SOAPConnection is a web service of SOAP and what it offers.
type SOAPConnection struct {
	Common    `yaml:",inline"`
	Version   string                   `yaml:"version" enum:"1.1,1.2" default:"1.1" doc:"The version of SOAP."`
	Namespace document.Text            `yaml:"namespace" doc:"Namespace of the operations; SOAPAction is this and the operation's name." example:"http://tempuri.org/"`
	Security  *Security                `yaml:"security" doc:"A name and password in the header, as WS-Security has it. Credentials in the body are written there."`
	Check     *SOAPRequest             `yaml:"check" doc:"The cheapest operation that proves the connection, for tieout check; the first page of the first stream when not given." example:"{operation: Ping}"`
	Streams   document.Map[SOAPStream] `yaml:"streams" required:"true" doc:"What can be read, by name."`
}

// Security is a UsernameToken of WS-Security.
type Security struct {
	User     document.Secret `yaml:"user" required:"true" doc:"The name." example:"${env:SOAP_USER}"`
	Password document.Secret `yaml:"password" required:"true" doc:"The password." example:"${env:SOAP_PASSWORD}"`
	Digest   bool            `yaml:"digest" doc:"Send a digest of the password instead of the password."`
}

// SOAPStream is one stream of a service of SOAP.
type SOAPStream struct {
	Request SOAPRequest `yaml:"request" doc:"The request for one page; a stream without one cannot be read."`
	Reading `yaml:",inline"`
	Write   *Writing[SOAPRequest, SOAPRequest] `yaml:"write" doc:"How documents are sent to the stream."`

	readable bool
}

// SOAPRequest is one request to a service of SOAP.
type SOAPRequest struct {
	Operation document.Text `yaml:"operation" required:"true" doc:"The operation: the name of the element in the body." example:"GetInvoices"`
	Namespace document.Text `yaml:"namespace" doc:"Namespace of the operation; that of the connection when not given."`
	Action    document.Text `yaml:"action" doc:"What SOAPAction says; namespace/operation when not given."`
	Path      Path          `yaml:"path" doc:"Path below base_url, where the service has several addresses." example:"/ItfResidentData.asmx"`
	Query     Query         `yaml:"query" doc:"Query parameters."`
	Headers   Header        `yaml:"headers" doc:"Headers of HTTP."`
	Header    *Value        `yaml:"header" doc:"A tree of elements for the header of the envelope." example:"{SessionHeader: {sessionId: =config.session}}"`
	Body      *Value        `yaml:"body" doc:"A tree of the operation's elements, in this order; @x is an attribute, a list is one element for each item, and an element whose expression has no value is left out." example:"{FromDate: =cursor.from, PropertyId: =config.property}"`
}

// soapRequest is SOAPRequest without a way of its own to be decoded.
type soapRequest SOAPRequest

// DecodeDocument reads a request and checks its names.
func (r *SOAPRequest) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*soapRequest)(r))
	if r.Operation.Value != "" && (!xmlName.MatchString(r.Operation.Value) || strings.Contains(r.Operation.Value, ":")) {
		d.Report.ErrorAt(r.Operation, document.CodeWrongType, "Write the name of the operation as the WSDL has it, without a prefix.", "%q is no name of an operation", r.Operation.Value)
	}
	for _, key := range []string{"body", "header"} {
		tree := map[string]*Value{"body": r.Body, "header": r.Header}[key]
		if at := n.Get(key); at != nil && tree != nil && !tree.isNull() {
			if tree.kind != mapping {
				d.Report.ErrorAt(at, document.CodeWrongShape, "Write the names of elements and their values.", "%q takes keys and values", key)
				continue
			}
			checkXML(at, key == "body", d)
		}
	}
}

// DocumentSchema is that of the keys.
func (r *SOAPRequest) DocumentSchema(sub func(any) any) any { return sub(soapRequest{}) }

// DocumentType says what is written.
func (r *SOAPRequest) DocumentType() string {
	return "a mapping of `operation`, `namespace`, `action`, `path`, `query`, `headers`, `header` and `body`"
}

// request is the form the engine works with.
func (r *SOAPRequest) request() Request {
	return Request{Path: r.Path, Query: r.Query, Headers: r.Headers, Body: r.Body, Encode: asXML,
		soap: &operation{name: r.Operation.Value, namespace: r.Namespace.Value, action: r.Action.Value, header: r.Header}}
}

// settings is the form the engine works with.
func (c *SOAPConnection) settings() *Connection {
	out := &Connection{Common: c.Common, soap: &SOAP{version: c.Version, namespace: c.Namespace.Value, security: c.Security}}
	for i := range c.Streams.Entries {
		e := &c.Streams.Entries[i]
		out.Streams.Entries = append(out.Streams.Entries, document.Entry[StreamDef]{Key: e.Key,
			Value: e.Value.common()})
	}
	if c.Check != nil {
		check := c.Check.request()
		out.Check = &check
	}
	return out
}

// SOAPDefinition describes a connector for services of SOAP.
func SOAPDefinition(name, summary string) connectors.Definition {
	return definition(name, summary, func() any { return new(SOAPConnection) })
}
