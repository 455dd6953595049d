package sql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// clause is a condition as SQL: columns, operators and places for values. The
// values go to the server beside the text, never inside it.
type clause struct {
	text string
	args []any
}

// findScope checks that the target's columns compare as the conditions of the
// load mean it.
func (p *plan) findScope(load *connectors.Load) error {
	for i := range load.Where {
		c := &load.Where[i]
		at := slices.IndexFunc(p.columns, func(col column) bool { return col.name == c.Field })
		if at < 0 {
			return codedError(document.CodeSinkWhere, "where names %q, and no such field is written to %q", c.Field, p.name)
		}
		col := &p.columns[at]
		ordering := c.Op != connectors.Equal && c.Op != connectors.NotEqual && c.Op != connectors.In
		unordered := col.text && (c.Values.Kind == record.Integer || c.Values.Kind == record.Timestamp && p.words.ordered == nil)
		if ordering && unordered {
			return codedError(document.CodeSinkWhere, "column %q of table %q is %s, in which %s do not order by value; use == or in, or change the column",
				col.name, p.name, col.typ, c.Values.Kind.String()+"s")
		}
		for v := range c.Len() {
			if _, ok := p.argument(col, c.Values, v); !ok {
				return configError("%s", clockTwice(col, c.Values.Ints[v], p.zone))
			}
		}
		p.scope = append(p.scope, scoped{condition: c, column: at})
	}
	return nil
}

// scoped is a condition on a column of the plan.
type scoped struct {
	condition *connectors.Condition
	column    int
}

// within writes the condition that a row of the target lies in the scope of
// the load; TRUE when that is all of it. It may stand once in a statement.
func (p *plan) within(prefix string) clause {
	if len(p.scope) == 0 {
		return clause{text: "TRUE"}
	}
	var parts []string
	var args []any
	for _, s := range p.scope {
		col := &p.columns[s.column]
		var alternatives []string
		for v := range s.condition.Len() {
			value, _ := p.argument(col, s.condition.Values, v)
			alternatives = append(alternatives, p.compare(prefix, col, s.condition, func() string {
				args = append(args, value)
				return p.words.parameter(len(args), col)
			}))
		}
		parts = append(parts, "("+strings.Join(alternatives, " OR ")+")")
	}
	return clause{"(" + strings.Join(parts, " AND ") + ")", args}
}

// compare writes one comparison; each call of place is one more parameter.
func (p *plan) compare(prefix string, col *column, c *connectors.Condition, place func() string) string {
	left := prefix + col.quoted
	if col.text && c.Values.Kind == record.Timestamp && p.words.ordered != nil {
		return p.words.ordered(left) + " " + sqlOp(c.Op) + " " + p.words.ordered(place())
	}
	switch {
	case c.Values.Kind != record.Text || !col.loose:
		return left + " " + sqlOp(c.Op) + " " + place()
	case c.Op == connectors.NotEqual:
		return p.words.exact(left) + " <> " + p.words.exact(place())
	}
	// The index finds what is alike, the exact texts decide.
	return left + " = " + place() + " AND " + p.words.exact(left) + " = " + p.words.exact(place())
}

func sqlOp(op connectors.Op) string {
	switch op {
	case connectors.Equal, connectors.In:
		return "="
	case connectors.NotEqual:
		return "<>"
	}
	return string(op)
}

// argument is a value in the form the driver hands over; false when the
// column cannot hold it.
func (p *plan) argument(col *column, values *record.Column, row int) (any, bool) {
	switch values.Kind {
	case record.Integer:
		if !col.text {
			return values.Ints[row], true
		}
	case record.Boolean:
		if !col.text {
			return p.words.truth(values.Ints[row] != 0), true
		}
	case record.Timestamp:
		if col.local {
			text, ok := appendLocal(nil, values.Ints[row], p.zone)
			return string(text), ok
		}
		return string(p.words.stampText(calendar.AppendTimestamp(nil, values.Ints[row]), col)), true
	}
	return string(record.AppendValue(nil, &col.field, values, row)), true
}

// dollar numbers parameters, question does not.
func dollar(n int, _ *column) string { return "$" + strconv.Itoa(n) }
func question(int, *column) string   { return "?" }
