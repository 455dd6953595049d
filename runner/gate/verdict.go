package gate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// verdict is what every meter knows of its condition.
type verdict struct {
	name string
	code document.Code
	warn bool
}

func (v *verdict) passed(limit, actual, message string) Finding {
	return Finding{Condition: v.name, Code: string(v.code), Passed: true, Limit: limit, Actual: actual, Message: message}
}

func (v *verdict) failed(limit, actual, message string) Finding {
	return Finding{Condition: v.name, Code: string(v.code), Warn: v.warn, Limit: limit, Actual: actual, Message: message}
}

// maxExamples bounds how many culprits a finding names.
const maxExamples = 5

// examples keeps the first few of many texts in an order of their own, so
// that the order of the batches does not show.
type examples struct{ kept []example }

type example struct {
	rank int64 // a line number, or 0
	text string
}

func compareExamples(a, b example) int {
	if a.rank != b.rank {
		if a.rank < b.rank {
			return -1
		}
		return 1
	}
	return strings.Compare(a.text, b.text)
}

// wants reports whether an example of the rank could be kept, so that its
// text need not be made otherwise.
func (e *examples) wants(rank int64) bool {
	return len(e.kept) < maxExamples || rank <= e.kept[len(e.kept)-1].rank
}

func (e *examples) add(rank int64, text string) {
	at, found := slices.BinarySearchFunc(e.kept, example{rank, text}, compareExamples)
	if found || at == maxExamples {
		return
	}
	e.kept = slices.Insert(e.kept, at, example{rank, text})
	e.kept = e.kept[:min(len(e.kept), maxExamples)]
}

func (e *examples) texts() []string {
	var out []string
	for _, one := range e.kept {
		out = append(out, one.text)
	}
	return out
}

// place names the record of a row by where it was read.
func place(b *record.Batch, row int32) (rank int64, text string) {
	entry := b.Entry(row)
	if int(entry) >= len(b.Origin.Line) {
		return 0, ""
	}
	line := b.Origin.Line[entry]
	text = "line " + strconv.FormatInt(line, 10)
	if b.Origin.Input != "" {
		text = b.Origin.Input + " " + text
	}
	return line, text
}

// maxValue bounds a value shown in an example.
const maxValue = 80

// appendValue writes a row's value for a message: canonical, without padding.
func appendValue(dst []byte, b *record.Batch, column int, row int32) []byte {
	c := &b.Columns[column]
	if c.Presence[row] != record.Value {
		return append(dst, "no value"...)
	}
	from := len(dst)
	f := record.Field{Kind: c.Kind, Scale: record.NoScale, Child: b.Shape.Fields[column].Child}
	dst = record.AppendValue(dst, &f, c, int(row))
	if len(dst)-from > maxValue {
		dst = append([]byte(strings.ToValidUTF8(string(dst[:from+maxValue]), "")), "…"...)
	}
	return dst
}

// amount writes a number in one form whatever it was padded to: without
// trailing zeros, but never with a single digit after the point.
func amount(d decimal.Decimal) string {
	plain, err := decimal.ParseBytes(d.AppendCanonical(nil))
	if err != nil {
		return d.String()
	}
	if plain.Scale() == 1 {
		plain, _ = plain.Rescale(2)
	}
	return plain.String()
}

// describe writes fields and values of a row: property P1, unit 12.
func describe(b *record.Batch, columns []int, row int32) string {
	var text []byte
	for n, i := range columns {
		if n > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, b.Shape.Fields[i].Name...), ' ')
		text = appendValue(text, b, i, row)
	}
	return string(text)
}

// columnsOf finds fields that were checked to be there.
func columnsOf(shape *record.Shape, names []document.Text) []int {
	out := make([]int, len(names))
	for i := range names {
		out[i] = shape.Index(names[i].Value)
	}
	return out
}

func joined(names []document.Text) string {
	list := make([]string, len(names))
	for i := range names {
		list[i] = names[i].Value
	}
	return strings.Join(list, ", ")
}

// count writes "1 record", "2 records".
func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
}
