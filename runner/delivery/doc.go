// Package delivery makes a sink of a service that takes documents one at a
// time and keeps no ledger.
//
// What such a service is to be sent is an intent, a row of the state store. A
// load plans its intents where nobody sees them; the commit makes them, the
// ledger and the position durable in one transaction of the state; then each
// is sent once. Before a document leaves it is marked as sent, and the reply
// is written down before the next one goes, so that a crash leaves at most one
// document of which nobody knows whether it arrived. That one is settled by
// the next run: with the same bytes under the same idempotency key while the
// service knows the key, else by looking the document up, and never by a
// guess.
//
// It speaks no protocol: connectors.Target does. It stores nothing itself:
// Store does. Read delivery.go first, then plan.go, commit.go, courier.go,
// ask.go and settle.go.
package delivery
