// Package record holds the shape of records and the column batch they travel
// in from a source to a sink.
//
// A [Shape] lists named, typed fields. A [Batch] carries up to [BatchRows]
// rows of one Shape, column by column; nested lists are one child Batch whose
// rows belong to the rows of the parent. Text is kept as spans over the bytes
// a reader received, so a column nobody computes with is never copied.
//
// The package does no I/O, knows no pipeline and holds no clock. Amounts are
// int64 coefficients with one scale per column; there is no binary float.
//
// Read shape.go first, then column.go, then batch.go.
package record
