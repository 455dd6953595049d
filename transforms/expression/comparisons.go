package expression

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Comparison compares a field of the record with values that are the same for
// all records of a run.
type Comparison struct {
	Field string
	Op    string // == != < <= > >= in
	// Values are one value, for `in` one or more, as rows of a column of the
	// field's kind; nil while they or the kind are not known.
	Values *record.Column
}

// Comparisons reads an expression that is nothing but comparisons joined by
// `and`, so that a database can be asked for the records that meet it. A
// value given as text stands for one of the field's kind: period == "2026-01".
// Whatever is more than that is reported, and the result is nil then.
func Comparisons(x document.Expr, env *Env, path string, r *document.Report) []Comparison {
	c := &compiler{env: env, x: x, path: path, report: r}
	c.program = &Program{limits: env.Limits.orDefault(), lists: 1}
	if !c.read() {
		return nil
	}
	var out []Comparison
	c.conjunction(c.syn.root, &out)
	if c.errors > 0 {
		return nil
	}
	if env.Assumed != nil {
		for _, name := range c.program.assumed {
			env.Assumed(name, x.Text)
		}
	}
	return out
}

const comparisonHint = `compare fields with ==, !=, <, <=, >, >= or in, joined by and: property == "maple" and period == month_of(run.date)`

// conjunction takes `a and b` apart.
func (c *compiler) conjunction(n ast.Node, out *[]Comparison) {
	if c.depth++; c.depth > maxDepth {
		c.errorf(n, document.CodeExprTooLarge, "", "operators nested more than %d deep", maxDepth)
		return
	}
	defer func() { c.depth-- }()
	b, ok := n.(*ast.BinaryNode)
	switch {
	case ok && (b.Operator == "and" || b.Operator == "&&"):
		c.conjunction(b.Left, out)
		c.conjunction(b.Right, out)
	case ok && b.Operator == "in":
		c.compared(b.Left, b.Right, "in", out)
	case ok && mirrored(b.Operator) != "":
		field, value, op := b.Left, b.Right, b.Operator
		if !c.isField(field) && c.isField(value) {
			field, value, op = value, field, mirrored(op)
		}
		c.compared(field, value, op, out)
	default:
		c.errorf(n, document.CodeSinkWhere, comparisonHint, "this is no comparison of a field with a value")
	}
}

// mirrored is the comparison with its sides exchanged, "" for none.
func mirrored(op string) string {
	switch op {
	case "==", "!=":
		return op
	case "<", "<=":
		return ">" + op[1:]
	case ">", ">=":
		return "<" + op[1:]
	}
	return ""
}

// isField reports whether a node names a field of the record.
func (c *compiler) isField(n ast.Node) bool {
	name, ok := fieldName(n)
	if !ok || c.env.Shape == nil {
		return false
	}
	return c.env.Shape.Index(name) >= 0 || c.env.Shape.Open && c.constant(name) == nil && !c.namespace(name)
}

func fieldName(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.MemberNode:
		base, is := n.Node.(*ast.IdentifierNode)
		property, text := n.Property.(*ast.StringNode)
		if is && text && base.Value == theRecord {
			return property.Value, true
		}
	}
	return "", false
}

func (c *compiler) compared(field, value ast.Node, op string, out *[]Comparison) {
	name, ok := fieldName(field)
	if !ok {
		c.errorf(field, document.CodeSinkWhere, comparisonHint, "one side of a comparison is a field by its name alone")
		return
	}
	f := c.expr(field)
	if f.unknown() && c.errors > 0 {
		return
	}
	nodes := []ast.Node{value}
	if op == "in" {
		list, is := value.(*ast.ArrayNode)
		if !is || len(list.Nodes) == 0 {
			c.errorf(value, document.CodeSinkWhere, `write `+name+` in ["a", "b"]`, "in takes a list of values")
			return
		}
		nodes = list.Nodes
	}
	if !c.comparableField(field, name, f.kind, op) {
		return
	}
	cmp := Comparison{Field: name, Op: op, Values: new(record.Column)}
	cmp.Values.Reset(f.kind, len(nodes))
	known := f.kind != record.Unknown
	for i, node := range nodes {
		known = c.comparedValue(node, name, f.kind, cmp.Values, i) && known
	}
	if !known {
		cmp.Values = nil
	}
	*out = append(*out, cmp)
}

// comparableField refuses fields whose order or equality databases do not
// share.
func (c *compiler) comparableField(n ast.Node, name string, kind record.Kind, op string) bool {
	switch kind {
	case record.Unknown, record.Integer, record.Boolean, record.Date, record.Month, record.Timestamp:
		return true
	case record.Text:
		if op == "==" || op == "!=" || op == "in" {
			return true
		}
		c.errorf(n, document.CodeSinkWhere, "use ==, != or in, or declare the field as date, month or integer", "databases order texts in different ways, and %q is text", name)
	default:
		c.errorf(n, document.CodeSinkWhere, "compare a text, integer, boolean, date, month or timestamp", "%q is %s, by which no part of a target is told", name, kindName(kind))
	}
	return false
}

// comparedValue puts one value into a row, and reports whether it is known.
func (c *compiler) comparedValue(n ast.Node, name string, kind record.Kind, into *record.Column, row int) bool {
	before := c.errors
	o := c.expr(n)
	switch {
	case c.errors > before:
		return false
	case o.isNil():
		c.errorf(n, document.CodeSinkWhere, "keep records without a value out with a filter", "nil is no value to compare with")
		return false
	case o.stable == varies:
		c.errorf(n, document.CodeSinkWhere, "compare with a value written here, with run.date or a variable: var.period", "the value must be the same for every record")
		return false
	case kind == record.Unknown || o.stable == unset && (o.kind == kind || o.kind == record.Text):
		return false
	case o.kind == record.Text && kind != record.Text:
		return c.convertedValue(n, o, name, kind, into, row)
	case o.kind != kind:
		c.errorf(n, document.CodeSinkWhere, valueHint(name, kind), "%q is %s, and this is %s", name, kindName(kind), kindName(o.kind))
		return false
	}
	f := c.scratch()
	switch {
	case o.s != nil:
		v, _ := o.s(f)
		into.SetText(row, []byte(v))
	case o.b != nil:
		into.SetBool(row, o.b(f) == True)
	default:
		v, _ := o.i(f)
		into.SetInt(row, v)
	}
	return true
}

func valueHint(name string, kind record.Kind) string {
	switch kind {
	case record.Text:
		return "write a text, or declare " + name + " with its kind under source.fields"
	case record.Month:
		return "write month_of(run.date), or a month in quotes: \"2026-01\""
	case record.Date:
		return "write run.date, or a date in quotes: \"2026-01-31\""
	}
	return "write a value of the same kind"
}

// convertedValue reads a text as a value of the field's kind.
func (c *compiler) convertedValue(n ast.Node, o *operand, name string, kind record.Kind, into *record.Column, row int) bool {
	text, ok := o.s(c.scratch())
	if ok {
		ok = setParsed(into, row, kind, text)
	}
	if !ok {
		c.errorf(n, document.CodeSinkWhere, valueHint(name, kind), "%q is %s, and %q is none", name, kindName(kind), text)
	}
	return ok
}

func setParsed(into *record.Column, row int, kind record.Kind, text string) bool {
	switch kind {
	case record.Date:
		d, ok := calendar.ParseISO([]byte(text))
		into.SetInt(row, int64(d))
		return ok
	case record.Month:
		m, ok := calendar.ParseMonth([]byte(text))
		into.SetInt(row, int64(m))
		return ok
	case record.Timestamp:
		at, err := calendar.ParseTimestamp([]byte(text), nil)
		into.SetInt(row, at)
		return err == nil
	case record.Boolean:
		into.SetBool(row, text == "true")
		return text == "true" || text == "false"
	case record.Integer:
		return setDigits(into, row, text)
	}
	return false
}

func setDigits(into *record.Column, row int, text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 18 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	var v int64
	for _, d := range []byte(digits) {
		v = v*10 + int64(d-'0')
	}
	if digits != text {
		v = -v
	}
	into.SetInt(row, v)
	return true
}
