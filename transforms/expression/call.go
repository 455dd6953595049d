package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// call is a function call before its arguments are checked.
type call struct {
	node ast.Node
	fn   *function
	name string
	args []ast.Node
}

// args are checked arguments in the order of the parameters; an optional one
// that was not given is nil.
type args []*operand

func (a args) at(i int) *operand {
	if i < len(a) {
		return a[i]
	}
	return nil
}

func (c *compiler) callNode(n *ast.CallNode) *operand {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return c.errorf(n, document.CodeExprUnknownFunction, "write function(value)", "values have no functions of their own")
	}
	return c.call(n, c.syn.word(callee, callee.Value), n.Arguments)
}

func (c *compiler) call(n ast.Node, name string, arguments []ast.Node) *operand {
	fn := c.function(name)
	if fn == nil {
		for _, a := range arguments {
			if !usesElement(a) {
				c.expr(a)
			}
		}
		return c.unknownFunction(n, name)
	}
	k := &call{node: n, fn: fn, name: name, args: arguments}
	if fn.special != nil {
		return fn.special(c, k)
	}
	a, ok := c.arguments(k)
	if !ok {
		return c.resultKind(fn)
	}
	o := fn.build(c, a)
	if o.stable == varies && !o.unknown() {
		o.stable = stabilityOf(slices.DeleteFunc(slices.Clone(a), func(o *operand) bool { return o == nil })...)
	}
	return o
}

func (c *compiler) unknownFunction(n ast.Node, name string) *operand {
	s := document.Suggest(name, c.functionNames())
	hint := s.Hint
	switch strings.ToLower(name) {
	case "len", "length", "size":
		hint = "write length(text) or count(lines)"
	case "float", "number", "todecimal":
		hint = "write parse_decimal(text)"
	case "int", "tointeger":
		hint = "write parse_integer(text), or round(x, 0)"
	case "string", "str", "tostring":
		hint = "write text(x)"
	case "now", "today":
		hint = "there is no clock; run.date is the date of the run"
	case "toupper", "ucase":
		hint = "write upper(text)"
	case "ifnull", "isnull", "nvl":
		hint = "write (x ?? y), or coalesce(x, y)"
	case "concatenate":
		hint = "write a + b"
	}
	if hint == "" {
		hint = "the functions are listed in docs/reference/functions.md"
	}
	return c.errorf(n, document.CodeExprUnknownFunction, hint, "there is no function %q", name)
}

// resultKind stands for the result of a call that cannot be built: after an
// error, or over fields of unknown kind.
func (c *compiler) resultKind(fn *function) *operand {
	_, result, _ := strings.Cut(fn.signature, "-> ")
	k, ok := record.ParseKind(result)
	if !ok {
		return unknownOperand()
	}
	return c.hollow(k)
}

// arguments checks number and kinds. ok is false when the call cannot be
// built; what is wrong has been reported.
func (c *compiler) arguments(k *call) (args, bool) {
	ps := k.fn.params()
	if !c.argumentCount(k, ps) {
		for _, n := range k.args {
			c.expr(n)
		}
		return nil, false
	}
	a := make(args, 0, max(len(ps), len(k.args)))
	ok := true
	for i, n := range k.args {
		p := &ps[min(i, len(ps)-1)]
		o := c.expr(n)
		ok = c.argument(k, p, o) && ok
		a = append(a, o)
	}
	for len(a) < len(ps) {
		a = append(a, nil)
	}
	return a, ok
}

func (c *compiler) argumentCount(k *call, ps []param) bool {
	least, most := 0, len(ps)
	for _, p := range ps {
		if !p.optional {
			least++
		}
		if p.repeats {
			most = 1 << 20
		}
	}
	n := len(k.args)
	if least <= n && n <= most {
		return true
	}
	var missing []string
	for i := n; i < least; i++ {
		missing = append(missing, ps[i].name)
	}
	message := fmt.Sprintf("%s takes %s, and here are %d", k.name, countOf(least, most), n)
	if len(missing) > 0 {
		message = fmt.Sprintf("%s lacks %s", k.name, listOf(missing, "and"))
	}
	c.errorf(k.node, document.CodeExprArguments, "write "+k.fn.signature, "%s", message)
	return false
}

func countOf(least, most int) string {
	word := "arguments"
	if most == 1 {
		word = "argument"
	}
	switch {
	case most > 1000:
		return fmt.Sprintf("at least %d %s", least, word)
	case least == most && most == 0:
		return "no arguments"
	case least == most:
		return fmt.Sprintf("%d %s", least, word)
	}
	return fmt.Sprintf("%d to %d %s", least, most, word)
}

// argument checks one argument. It is false too for one of unknown kind or
// value, which is not an error.
func (c *compiler) argument(k *call, p *param, o *operand) bool {
	switch {
	case o.unknown():
		return false
	case o.isNil() && !slices.Contains(p.kinds, kindNil):
		c.errorf(o.node, document.CodeExprType, "write "+k.fn.signature, "nil as %s makes the result nil always", p.name)
		return false
	case len(p.kinds) == 0 && (o.kind.Nested() || o.kind > kindNil), len(p.kinds) > 0 && !slices.Contains(p.kinds, o.kind):
		c.errorf(o.node, document.CodeExprType, c.argumentHint(p, o), "the %s of %s must be %s, and this is %s", p.name, k.name, kindList(p.kinds), kindName(o.kind))
		return false
	case p.constant && o.stable == varies:
		c.errorf(o.node, document.CodeExprType, "write the value in the expression", "the %s of %s must not depend on the record", p.name, k.name)
		return false
	case p.exact && o.inexact:
		c.errorf(o.node, document.CodeExprFloat, "round it first: round(x, 2)", "an inexact number (it came out of a binary float) feeds the amount of %s", k.name)
		return false
	}
	return o.stable != unset || !p.constant
}

func (c *compiler) argumentHint(p *param, o *operand) string {
	want := &operand{kind: record.Text}
	if len(p.kinds) > 0 {
		want.kind = p.kinds[0]
	}
	return textHint(o, want)
}

func kindList(kinds []record.Kind) string {
	if len(kinds) == 0 {
		return "a plain value"
	}
	var names []string
	for _, k := range kinds {
		if k == record.Decimal && slices.Contains(kinds, record.Integer) || k == kindNil {
			continue
		}
		if k == record.Integer && slices.Contains(kinds, record.Decimal) {
			names = append(names, "number")
			continue
		}
		names = append(names, kindName(k))
	}
	return listOf(names, "or")
}

// listOf writes a, b and c.
func listOf(words []string, before string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + before + " " + words[last]
}
