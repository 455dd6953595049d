// Package oauth is a token server for tests: ory/fosite behind two pages, with
// consent that needs no person, faults on demand, and counts of what a good
// client never does, such as to send a refresh token a second time.
//
// It is an implementation that knows nothing of package auth, and no part of
// the program. Read server.go.
package oauth
