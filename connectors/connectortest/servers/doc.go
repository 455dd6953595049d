// Package servers gives tests the servers they need, of databases and of files:
// one they are told of, one started from programs of this machine, or one in a
// container.
//
// It leaves no process and no file behind, also when the test is killed: a
// server lives as long as a pipe to the process that asked for it. It is for
// tests alone and starts nothing in a product.
//
// Read server.go first, then cluster_unix.go.
package servers
