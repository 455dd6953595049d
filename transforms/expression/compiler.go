package expression

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// maxErrors bounds what one expression reports.
const maxErrors = 50

// compiler checks a tree and makes closures of it in one walk. A node that is
// wrong is reported and becomes an operand of kind Unknown, which every
// operator accepts, so that the walk goes on and finds the next mistake.
type compiler struct {
	env    *Env
	x      document.Expr
	path   string
	report *document.Report
	syn    *syntax

	program *Program
	scope   *scope
	lets    []binding
	depth   int
	nodes   int
	errors  int
}

// expr checks one node. The result is never nil.
func (c *compiler) expr(n ast.Node) *operand {
	if c.depth++; c.depth > maxDepth {
		c.depth--
		return c.errorf(n, document.CodeExprTooLarge, "compute parts of it as fields of their own", "operators nested more than %d deep", maxDepth)
	}
	c.nodes++
	o := c.node(n)
	o.node = n
	c.fold(o)
	c.depth--
	return o
}

func (c *compiler) node(n ast.Node) *operand {
	switch n := n.(type) {
	case *ast.NilNode:
		return nilOperand()
	case *ast.BoolNode:
		return constBool(truth(n.Value))
	case *ast.StringNode:
		return constText(n.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		return c.number(n)
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.ChainNode:
		return c.expr(n.Node)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	}
	return c.unsupported(n)
}

func (c *compiler) unsupported(n ast.Node) *operand {
	what, hint := "this", ""
	switch n.(type) {
	case *ast.SliceNode:
		what, hint = "a slice", "use substring(text, start, length), left or right"
	case *ast.MapNode, *ast.PairNode:
		what, hint = "a record in { }", "set fields one by one"
	case *ast.SequenceNode:
		what, hint = "a row of expressions", "an expression has one result; write let name = …; before it"
	case *ast.BytesNode:
		what, hint = "a text of bytes", `write "text"`
	}
	return c.errorf(n, document.CodeExprSyntax, hint, "%s is not part of the language", what)
}

// number reads a literal from the source text.
func (c *compiler) number(n ast.Node) *operand {
	text := c.syn.number(n)
	d, err := decimal.Parse(text)
	if err != nil {
		return c.errorf(n, document.CodeExprSyntax, "write plain digits, such as 1250.50", "%q is no number", text)
	}
	if v, ok := d.Int64(); ok && strings.Trim(text, "0123456789") == "" {
		return constInt(record.Integer, v)
	}
	return constDec(d)
}

// errorf reports a problem over a node.
func (c *compiler) errorf(n ast.Node, code document.Code, hint, format string, args ...any) *operand {
	return c.fixable(n, code, hint, "", format, args...)
}

// fixable is errorf with a text that surely corrects the node.
func (c *compiler) fixable(n ast.Node, code document.Code, hint, fix, format string, args ...any) *operand {
	if c.errors++; c.errors <= maxErrors {
		from, to := c.syn.span(n)
		c.add(problem{code: code, from: from, to: to, message: fmt.Sprintf(format, args...), hint: hint, fix: fix})
	}
	return unknownOperand()
}

func (c *compiler) add(p problem) {
	from, to := c.syn.bytes(p.from, p.to)
	at := c.x.SpanOf(from, to)
	c.report.Add(document.Diagnostic{
		Code: p.code, Position: at.Position, EndColumn: at.EndColumn, Path: c.path,
		Message: strings.ReplaceAll(p.message, "\n", " "), Hint: sentence(p.hint), Fix: p.fix,
	})
}

// sentence gives a hint the form that hints have everywhere.
func sentence(hint string) string {
	if hint == "" || hint[0] < 'a' || hint[0] > 'z' {
		return hint
	}
	if !strings.HasSuffix(hint, "?") {
		hint += "."
	}
	return strings.ToUpper(hint[:1]) + hint[1:]
}

// fold computes what does not depend on the record. What fails or is nil is
// left for the record that meets it.
func (c *compiler) fold(o *operand) {
	if o.stable != fixed {
		return
	}
	f := c.scratch()
	var folded *operand
	switch {
	case o.d != nil:
		if v, ok := o.d(f); ok && !f.failed {
			folded = constDec(v)
		}
	case o.i != nil:
		if v, ok := o.i(f); ok && !f.failed {
			folded = constInt(o.kind, v)
		}
	case o.s != nil:
		if v, ok := o.s(f); ok && !f.failed {
			folded = constText(strings.Clone(v))
		}
	case o.b != nil:
		if v := o.b(f); v != Nil && !f.failed {
			folded = constBool(v)
		}
	default:
		return
	}
	if folded == nil {
		o.stable = varies
		return
	}
	o.i, o.d, o.b, o.s, o.app, o.parts = folded.i, folded.d, folded.b, folded.s, nil, nil
	if o.kind == record.Decimal && o.scale == record.NoScale {
		o.scale = folded.scale
	}
}

// scratch is a frame for constants: small limits, no record.
func (c *compiler) scratch() *frame {
	f := &frame{limits: Limits{Steps: 10_000, Bytes: 64 << 10}, slots: make([]slot, c.program.slots)}
	f.start(0)
	return f
}

// named gives a field name a number, by which a frame can say what was nil.
func (c *compiler) named(name string) int32 {
	p := c.program
	for i, n := range p.names {
		if n == name {
			return int32(i + 1)
		}
	}
	p.names = append(p.names, name)
	return int32(len(p.names))
}
