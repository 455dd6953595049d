// Package schedule decides what is due and runs it: each nominal slot of a
// pipeline once, or written down with the reason why not.
//
// A slot is (project, environment, pipeline, nominal instant in UTC) and is a
// row that is unique in the state store, so that restarts, clock steps and
// edits of a schedule cannot make a second one. When instants are due is
// computed by pipelines/timetable; gocron only wakes the engine. The package
// opens no file, database or socket of its own: the store, the clock and what
// runs a slot are passed in.
//
// Read slot.go first, then engine.go.
package schedule
