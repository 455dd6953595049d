// Package web is the only place where an HTTP client is built. A client sends
// to the origins it was made for and to no other, follows no redirect, reads
// no more of a reply than its limit, and refuses addresses that no
// configuration should reach.
//
// A server's address is checked when the name has been resolved and before
// anything is sent: link-local addresses and those of cloud metadata services,
// multicast and unspecified ones are refused to everybody, loopback to every
// origin that does not itself name this machine, and other machines to one
// that does. Private networks are allowed: chats and systems of one's own live
// there.
//
// It knows nothing of what is sent: alerts and, later, the connectors over
// HTTP bring their own bodies and read the replies.
//
// Read client.go first, then stream.go.
package web
