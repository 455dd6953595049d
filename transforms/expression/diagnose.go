package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// onlyWords reports whether the text is words without any operator.
func (s *syntax) onlyWords() bool {
	return len(s.tokens) > 0 && !slices.ContainsFunc(s.tokens, func(t lexer.Token) bool {
		return t.Kind != lexer.Identifier && t.Kind != lexer.Number
	})
}

// quotesEaten reports a text that lost its quotes to YAML.
func (c *compiler) quotesEaten() *operand {
	d := document.QuotesEatenFinding(c.x)
	d.Path = c.path
	c.errors++
	c.report.Add(d)
	return unknownOperand()
}

// unknownField reports a name that is no field of the record.
func (c *compiler) unknownField(n ast.Node, name string) *operand {
	if c.x.QuotesEaten() && n == c.syn.root {
		return c.quotesEaten()
	}
	if hint := foreignWord(name); hint != "" {
		return c.errorf(n, document.CodeExprUnknownField, hint, "there is no field %q", name)
	}
	var known []string
	if c.env.Shape != nil {
		known = c.env.Shape.Names()
	}
	for i := range c.env.Names {
		known = append(known, c.env.Names[i].Name)
	}
	for _, b := range c.lets {
		known = append(known, b.name)
	}
	if s := c.scope; s != nil && s.mapped == nil && s.shape.Index(name) >= 0 {
		return c.fixable(n, document.CodeExprUnknownField, "write ."+name+" for the field of an element", "."+name, "the record has no field %q, but the elements of %s have", name, s.name)
	}
	if c.isFunction(name) {
		return c.errorf(n, document.CodeExprUnknownField, "call it: "+name+"(…)", "there is no field %q; it is a function", name)
	}
	return c.notThere(n, name, name, known)
}

// notThere reports an unknown name with those that are known.
func (c *compiler) notThere(n ast.Node, full, name string, known []string) *operand {
	s := document.Suggest(name, known)
	fix := s.Fix
	if _, plain := n.(*ast.IdentifierNode); !plain {
		fix = ""
	}
	hint := s.Hint
	if hint == "" {
		hint = "a text stands in quotes: \"" + name + "\""
	}
	return c.fixable(n, document.CodeExprUnknownField, hint, fix, "there is no field %q", full)
}

// foreignWord knows constants of other languages.
func foreignWord(name string) string {
	switch strings.ToLower(name) {
	case "null", "none", "undefined":
		return "write nil"
	case "true", "false", "nil":
		return "write " + strings.ToLower(name)
	}
	return ""
}

// textHint says what to do with a value of the wrong kind, other being the
// operand it meets, which may be nil.
func textHint(wrong, other *operand) string {
	if wrong.kind == record.Text {
		literal, ok := wrong.node.(*ast.StringNode)
		switch {
		case ok:
			return literalHint(literal.Value, other)
		case other != nil && calendarKind(other.kind):
			return "read it as a date: parse_date(…, \"YYYY-MM-DD\"), or type the field under fields"
		case other != nil && other.number():
			return "read it as a number: parse_decimal(…) or parse_amount(…), or type the field under fields"
		}
		return "give the field a type under fields, or read it with parse_amount, parse_decimal or parse_date"
	}
	if other != nil && other.kind == record.Text && wrong.kind != kindNil {
		return "write text(…)"
	}
	if wrong.kind == record.Timestamp && other != nil && other.kind == record.Date {
		return "write local_date(…)"
	}
	return ""
}

// literalHint words the literal so that it fits what it is compared with.
func literalHint(text string, other *operand) string {
	if _, ok := calendar.ParseISO([]byte(text)); ok {
		if other != nil && other.kind == record.Month {
			return fmt.Sprintf("write month_of(date(%q))", text)
		}
		return fmt.Sprintf("write date(%q)", text)
	}
	if _, ok := calendar.ParseMonth([]byte(text)); ok {
		return fmt.Sprintf("write month_of(date(\"%s-01\"))", text)
	}
	if _, err := decimal.Parse(text); err == nil {
		return "write the number without quotes"
	}
	if other != nil && calendarKind(other.kind) {
		return "write date(\"2026-01-31\")"
	}
	return ""
}

// calendarKind reports dates, months and instants.
func calendarKind(k record.Kind) bool {
	return k == record.Date || k == record.Month || k == record.Timestamp
}
