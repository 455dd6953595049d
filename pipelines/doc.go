// Package pipelines says what an analyst may write, and turns a folder of
// YAML files into checked pipelines.
//
// The struct trees in project.go, pipeline.go and schedule.go are the one source of the
// decoder, the JSON Schemas and the reference pages. Loading reports every
// problem of every file in one pass. The package opens no socket, reads no
// clock and knows no connector but through the Registry it is handed.
//
// When a pipeline is due is computed by the package timetable below this one;
// here a schedule is read and checked.
//
// Read pipeline.go first, then load.go and check.go.
package pipelines
