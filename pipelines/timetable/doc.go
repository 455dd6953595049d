// Package timetable computes when a pipeline is due: the nominal instants of a
// cron expression, a fixed interval, a day of the month or a business day, in
// a time zone. It is one pure function of its rule, used alike to fire, to
// show what comes next, to catch up and to divide a backfill.
//
// It has no clock, keeps nothing, and starts nothing: package runner/schedule
// decides what to do about an instant.
//
// Read timetable.go first, then local.go for what happens when clocks change.
package timetable
