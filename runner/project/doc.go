// Package project opens a folder of pipelines and wires it: connectors,
// references to secrets, lookup tables, the state store and room to spill.
//
// It decides nothing about records. The command line and the scheduler call
// it to turn a pipeline's name into a runner.Job and to execute that.
//
// Read open.go first, then job.go.
package project
