// Package service talks to web services that are described in YAML by the same
// keys a vendor's definition has: over plain HTTP and over SOAP.
//
// A fetcher walks through what a stream is asked for with (parents, values,
// stretches of time), and asks for one page after the other, within the limits
// of the service; it tries again what may be tried again. Each page, JSON, XML
// or lines, is cut into records as it arrives; a reply that is cut short,
// repeats or is not sound ends the read, and nothing of it is loaded. In a run,
// all pages are fetched into a spool before the load begins, so that no
// transaction waits for a network.
//
// It knows no vendor. Requests are sent by package web, proofs of identity come
// from package auth, and records are turned into batches by package rows. Read
// definition.go first, then source.go, walk.go, fetch.go, send.go and judge.go;
// body.go and soap.go write requests; write.go and target.go send documents.
package service
