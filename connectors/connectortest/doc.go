// Package connectortest holds the suites every source and every sink has to
// pass: RunSource and RunSink. A connector's test file makes a harness and
// calls them; a case a connector cannot have (a file has no column that loses
// digits) is left out by leaving its hook nil.
//
// It checks the contract of package connectors, not what is particular about a
// protocol, and starts no server (package servers does).
//
// Read sink.go and source.go first.
package connectortest
