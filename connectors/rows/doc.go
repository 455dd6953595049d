// Package rows turns JSON and XML as received into record batches. It is
// shared by the connectors that receive them, so that a value means the same
// whether it came from a file or over a network.
//
// A Cutter walks a document as it arrives to the list of records and cuts
// them out one at a time, so that memory is one record and not one document.
// A Plan says which member of a record fills which column, and a Filler fills
// rows by it: number text stays as it was written, members nobody wants are
// passed over, and a record that does not fit is held with what was received.
//
// XML goes the same way: an XMLCutter hands each record out as the JSON it
// stands for, NewXMLPlan makes its plan, and the Filler is the same. A reply
// is read like this, whatever its encoding:
//
//	cutter := rows.NewXMLCutter(body, rows.Cut{Path: []string{"Envelope", "Body", "*", "Row"},
//		Keep: []string{"Envelope.Body.Reply.@next"}, Limits: limits})
//	for { item, err := cutter.Next() }            // io.EOF: the document ended soundly
//	cutter.Found(), cutter.Missing()              // was the path there, and what was instead
//	cutter.Envelope()                             // what stands beside the records, as JSON
//	plan, err := rows.NewXMLPlan(read, samples, limits)
//	fill := rows.NewFiller(plan, place); fill.Row(batch, row, item)
//
// It opens nothing and knows neither files nor requests. Read cutter.go first,
// then ahead.go, plan.go and fill.go; xmlcutter.go, xmltree.go and xmlplan.go for XML.
package rows
