// Package calendar computes with calendar dates, months and instants without a
// clock: dates are days since 1970-01-01, months are months since 1970-01,
// instants are microseconds UTC since 1970-01-01T00:00:00Z.
//
// Accounting dates are local dates of a property or an entity. An instant
// becomes a date once, with a named zone (LocalDate), and is not shifted again.
// The package never reads the time of day and never guesses: a date that does
// not exist, a local time that exists twice or not at all, and a fraction that
// would lose digits are errors.
//
// Read date.go first, then month.go; timestamp.go and pattern.go read and
// write text.
package calendar
