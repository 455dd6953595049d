package connectors

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/tieout/tieout/schemas/record"
)

// Op is how a Condition compares.
type Op string

// The comparisons. In holds for any one of several values.
const (
	Equal        Op = "=="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	In           Op = "in"
)

// Condition compares a field with values that are known before a load begins.
// A record without a value in the field never meets it.
type Condition struct {
	Field string
	Op    Op
	// Values holds one value, for In one or more, as the rows of a column of
	// the field's kind: text, integer, boolean, date, month or timestamp.
	// Texts are only compared by Equal, NotEqual and In.
	Values *record.Column
}

// Len is the number of values.
func (c *Condition) Len() int { return len(c.Values.Presence) }

// Holds reports whether a row of a column of the field meets the condition.
func (c *Condition) Holds(col *record.Column, row int) bool {
	if col.Presence[row] != record.Value || col.Kind != c.Values.Kind {
		return false
	}
	for i := range c.Len() {
		if c.holds(col, row, i) {
			return true
		}
	}
	return false
}

func (c *Condition) holds(col *record.Column, row, value int) bool {
	if col.Kind == record.Text {
		return bytes.Equal(col.Text(row), c.Values.Text(value)) == (c.Op != NotEqual)
	}
	order := cmp.Compare(col.Ints[row], c.Values.Ints[value])
	switch c.Op {
	case NotEqual:
		return order != 0
	case Less:
		return order < 0
	case LessEqual:
		return order <= 0
	case Greater:
		return order > 0
	case GreaterEqual:
		return order >= 0
	}
	return order == 0
}

// String writes the condition as an analyst does.
func (c *Condition) String() string {
	values := make([]string, c.Len())
	for i := range values {
		text := record.AppendValue(nil, &record.Field{Kind: c.Values.Kind, Scale: record.NoScale}, c.Values, i)
		if values[i] = string(text); c.Values.Kind == record.Text {
			values[i] = string(record.AppendJSONString(nil, text))
		}
	}
	list := strings.Join(values, ", ")
	if c.Op == In {
		list = "[" + list + "]"
	}
	return c.Field + " " + string(c.Op) + " " + list
}
