// Package soap is the connector for web services of SOAP: what is written after
// `connector: soap`.
//
// Everything it does is done by package service, which it shares with http;
// read soapdef.go and soap.go there.
package soap

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/service"
)

// Definition describes the connector. Readers of one process that use the same
// service share its limits.
func Definition() connectors.Definition {
	return service.SOAPDefinition("soap", "XML from a web service of SOAP, operation by operation.")
}
