// Package alert tells people about pipelines that failed, were blocked by
// their gate, or are late, and that all is well again.
//
// An event opens or closes an incident of its pipeline; what is to be said
// waits in the state store until it was delivered, so that neither a restart
// nor an unreachable chat loses it, and no run ever waits for it. Messages to
// one place are grouped and repeats held back. They hold names, counts and
// codes, never records or secrets.
//
// Read event.go first, then bell.go and courier.go.
package alert
