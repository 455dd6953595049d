// Package rows turns JSON as received into record batches. It is shared by
// the connectors that receive JSON, so that a value means the same whether it
// came from a file or over a network.
//
// A Cutter walks a document as it arrives to the list of records and cuts
// them out one at a time, so that memory is one record and not one document.
// A Plan says which member of a record fills which column, and a Filler fills
// rows by it: number text stays as it was written, members nobody wants are
// passed over, and a record that does not fit is held with what was received.
//
// It opens nothing and knows neither files nor requests. Read cutter.go first,
// then plan.go and fill.go.
package rows
