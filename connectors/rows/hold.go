package rows

import (
	"bytes"
	"errors"
	"fmt"
	"sort"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// ErrNotJSON says that the text of a record that stands by itself is no JSON.
var ErrNotJSON = errors.New("the record is not sound JSON")

var errNotObject = errors.New("the record is not a JSON object")

// Row fills a row of b, whose shape is the plan's, with a record. One that
// does not fit is held as received. A *BrokenError says that the text is no
// sound JSON, so that the document it was cut out of is none; the row is then
// to be filled again, or given up.
func (f *Filler) Row(b *record.Batch, row int, it Item) error {
	b.Origin.Line = append(b.Origin.Line, it.Line)
	b.Origin.Byte = append(b.Origin.Byte, it.Byte)
	err := it.Err
	if err == nil && len(it.Raw) > f.plan.limits.RecordBytes {
		err = ErrTooLong
	}
	if err == nil {
		f.bad = f.bad[:0]
		s := scan{b: it.Raw}
		if err = f.object(&s, b, row, f.plan.root, f.plan.limits.Depth); err == nil && (s.peek() != 0 || s.at < len(s.b)) {
			err = errUnsound
		}
	}
	if err == nil {
		for i := range f.bad {
			f.hold(b, row, it, document.CodeSourceBadValue, f.bad[i].field, &f.bad[i])
		}
		return nil
	}
	code, field := document.CodeSourceBadValue, ""
	var bad *memberError
	switch {
	case errors.Is(err, ErrTooLong):
		code = document.CodeSourceTooLong
	case errors.As(err, &bad):
		field, err = bad.field, bad // without the path the decoder came along
	}
	if it.Err == nil && !jx.Valid(it.Raw) {
		b.Origin.Line, b.Origin.Byte = b.Origin.Line[:len(b.Origin.Line)-1], b.Origin.Byte[:len(b.Origin.Byte)-1]
		return malformed(it.Byte)
	}
	f.settle(b, row)
	f.hold(b, row, it, code, field, err)
	return nil
}

func (f *Filler) hold(b *record.Batch, row int, it Item, code document.Code, field string, err error) {
	b.Hold(record.Hold{Row: int32(row), Step: record.StepSource, Code: string(code), Rule: "source", Field: field,
		Message: fmt.Sprintf("%v (%s)", err, f.place(it)), Record: f.asFields(it.Raw)})
}

// asReceived keeps a record as it is when it is an object, else as text under
// "raw".
func asReceived(raw []byte) []byte {
	if len(raw) > 0 && raw[0] == '{' && jx.Valid(raw) {
		return bytes.Clone(raw)
	}
	const most = 64 << 10
	if len(raw) > most {
		raw = raw[:most]
	}
	out := record.AppendJSONString([]byte(`{"raw":`), raw)
	return append(out, '}')
}

// Notes tells of members that turned up only after the first records, and so
// are in no field, and of fields that some records lack although they were not
// declared optional.
func (f *Filler) Notes(input string) []string {
	var notes []string
	for name, n := range f.unknown {
		notes = append(notes, fmt.Sprintf("%s: %d records have a member %q that the first %d had not; declare it under fields to read it", input, n, name, SampleRecords))
	}
	for i := range f.needs {
		f.needs[i].each(func(n *need) {
			what := "records"
			if n.inner {
				what = "of the records or elements around it"
			}
			notes = append(notes, fmt.Sprintf("%s: %d %s have no %q and count as having no value there; say optional: true under fields if that is normal", input, n.lacking, what, n.name))
		})
	}
	sort.Strings(notes)
	return notes
}
