package file

import (
	"bytes"

	"github.com/tieout/tieout/schemas/record"
)

// encoder writes records in one format. begin and end frame a whole file.
type encoder interface {
	begin(dst []byte, shape *record.Shape) []byte
	row(dst []byte, b *record.Batch, row int) []byte
	end(dst []byte) []byte
}

func newEncoder(format string, delimiter byte, safe bool) encoder {
	switch format {
	case "csv":
		return &csvEncoder{delimiter: delimiter, safe: safe}
	case "jsonl":
		return jsonLines{}
	}
	return &jsonList{}
}

// csvEncoder writes CSV with LF line ends. A nil is an empty cell, an empty
// text a quoted one.
type csvEncoder struct {
	delimiter byte
	safe      bool
}

func (e *csvEncoder) begin(dst []byte, shape *record.Shape) []byte {
	for i := range shape.Fields {
		if i > 0 {
			dst = append(dst, e.delimiter)
		}
		dst = e.text(dst, []byte(shape.Fields[i].Name))
	}
	return append(dst, '\n')
}

func (e *csvEncoder) row(dst []byte, b *record.Batch, row int) []byte {
	for i := range b.Columns {
		if i > 0 {
			dst = append(dst, e.delimiter)
		}
		c := &b.Columns[i]
		if c.Presence[row] != record.Value {
			continue
		}
		switch {
		case c.Kind == record.Text:
			dst = e.cell(dst, c.Text(row))
		case asReceived(&b.Shape.Fields[i], c):
			dst = append(dst, c.Text(row)...)
		default:
			dst = record.AppendValue(dst, &b.Shape.Fields[i], c, row)
		}
	}
	return append(dst, '\n')
}

// asReceived reports whether the values of a column are written as they came.
// Those of a declared scale are not: each is written with all its digits.
func asReceived(f *record.Field, c *record.Column) bool {
	return c.Verbatim && (f.Kind != record.Decimal || f.Scale == record.NoScale)
}

// cell writes a text; one that a spreadsheet would take for a formula gets an
// apostrophe when that was asked for.
func (e *csvEncoder) cell(dst, text []byte) []byte {
	if e.safe && len(text) > 0 && bytes.IndexByte([]byte("=+-@\t\r"), text[0]) >= 0 {
		return e.text(dst, append([]byte{'\''}, text...))
	}
	return e.text(dst, text)
}

func (e *csvEncoder) text(dst, text []byte) []byte {
	plain := len(text) > 0
	for _, ch := range text {
		if ch == e.delimiter || ch == '"' || ch == '\n' || ch == '\r' {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for {
		q := bytes.IndexByte(text, '"')
		if q < 0 {
			break
		}
		dst = append(append(dst, text[:q+1]...), '"')
		text = text[q+1:]
	}
	return append(append(dst, text...), '"')
}

func (e *csvEncoder) end(dst []byte) []byte { return dst }

// jsonLines writes one object a line, decimals as strings.
type jsonLines struct{}

func (jsonLines) begin(dst []byte, _ *record.Shape) []byte { return dst }

func (jsonLines) row(dst []byte, b *record.Batch, row int) []byte {
	return append(record.AppendRowJSON(dst, b, row), '\n')
}

func (jsonLines) end(dst []byte) []byte { return dst }

// jsonList writes one list of objects, a line each.
type jsonList struct{ some bool }

func (e *jsonList) begin(dst []byte, _ *record.Shape) []byte {
	e.some = false
	return append(dst, '[', '\n')
}

func (e *jsonList) row(dst []byte, b *record.Batch, row int) []byte {
	if e.some {
		dst = append(dst, ',', '\n')
	}
	e.some = true
	return record.AppendRowJSON(dst, b, row)
}

func (e *jsonList) end(dst []byte) []byte {
	if e.some {
		dst = append(dst, '\n')
	}
	return append(dst, ']', '\n')
}
