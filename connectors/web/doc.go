// Package web is the only place where an HTTP client is built. A client sends
// to the origins it was made for and to no other, follows no redirect, reads
// no more of a reply than its limit, and refuses addresses that no
// configuration should reach.
//
// It knows nothing of what is sent: alerts and, later, the connectors over
// HTTP bring their own bodies and read the replies.
//
// Read client.go first.
package web
