// Package service reads JSON from web services: pages of records, described in
// YAML by the same keys a vendor's definition has.
//
// A fetcher asks for one page after the other, within the limits of the
// service, and tries again what may be tried again. Each page is cut into
// records as it arrives; a reply that is cut short, repeats or is no JSON ends
// the read, and nothing of it is loaded. In a run, all pages are fetched into a
// spool before the load begins, so that no transaction waits for a network.
//
// It writes nothing to a service and knows no vendor. Requests are sent by
// package web, proofs of identity come from package auth, and records are
// turned into batches by package rows. Read definition.go first, then
// source.go, fetch.go and send.go.
package service
