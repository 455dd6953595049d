// Package transforms holds the steps of a pipeline: record batch in, record
// batch out.
//
// Each step has one file with its YAML struct (the only source of its keys,
// its JSON Schema and its reference page), a Plan made once the shape of the
// records is known, and the Work a lane does. Steps are pure: no network, no
// disk, no clock; what they need of the world (lookup tables, room to spill)
// is handed to them as an interface.
//
// Expressions live in the folder expression, money arithmetic in money, dates
// in calendar. Read step.go first, then set.go for the simplest step and
// group.go for one that needs all records.
package transforms
