// Package http is the connector for web services that talk JSON, XML or
// GraphQL: what is written after `connector: http`.
//
// Everything it does is done by package service, which it shares with soap;
// read definition.go there.
package http

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/service"
)

// Definition describes the connector. Readers of one process that use the same
// service share its limits.
func Definition() connectors.Definition {
	return service.Definition("http", "JSON from a web service, page by page.")
}
