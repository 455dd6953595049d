// Package auth says how a connection proves who it is: a key, a name and a
// password, a token, or OAuth 2.0 with client credentials. It puts the proof
// into a request that is about to be sent and nowhere else; no error, log or
// message of it holds any part of one.
//
// It decides neither where requests go nor what is in them. Read settings.go
// first, then signer.go.
package auth
