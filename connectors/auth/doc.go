// Package auth says how a connection proves who it is: a key, a name and a
// password, a token, or OAuth 2.0 with the client's credentials, a refresh
// token or the consent of a person. It puts the proof into a request that is
// about to be sent and nowhere else; no error, log or message of it holds any
// part of one.
//
// A refresh token that changes with each use is kept in the connectors.Vault
// of the project: one process renews it at a time, and the new one is durable
// before anything is done with it. What cannot be kept is not used up.
//
// The package decides neither where requests go nor what is in them, and
// knows no vendor. Read settings.go first, then signer.go and keeper.go;
// consent.go is for tieout connect.
package auth
