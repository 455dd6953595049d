package expression

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func missingFunctions() []function {
	return []function{
		{
			signature: "coalesce(values...: any) -> any",
			doc:       "The first value that is not nil; the same as a ?? b.",
			examples:  []Example{{"coalesce(paid, 0)", "0"}, {"(paid ?? rent) - 1", "1499.00"}},
			special:   coalesce,
		},
		{
			signature: "blank(x: any) -> boolean",
			doc:       "True for nil and for text of nothing but blanks.",
			examples:  []Example{{"blank(paid)", "true"}, {`blank("  ")`, "true"}, {"blank(unit)", "false"}},
			special:   blank,
		},
		{
			signature: "has(field: any) -> boolean",
			doc:       "Whether the source sent the field at all, be it nil.",
			examples:  []Example{{"has(paid)", "true"}},
			special:   has,
		},
	}
}

func coalesce(c *compiler, k *call) *operand {
	if len(k.args) == 0 {
		return c.errorf(k.node, document.CodeExprArguments, "write coalesce(a, b)", "coalesce lacks values")
	}
	var os []*operand
	for _, n := range k.args {
		os = append(os, c.expr(n))
	}
	return c.firstOf(k.node, os)
}

func blank(c *compiler, k *call) *operand {
	if !c.argumentCount(k, k.fn.params()) {
		return c.hollow(record.Boolean)
	}
	o := c.expr(k.args[0])
	if o.unknown() {
		return c.hollow(record.Boolean)
	}
	if o.kind != record.Text {
		has := o.present()
		return c.like(boolOperand(func(f *frame) Truth { return truth(!has(f)) }), o)
	}
	s := o.s
	return c.like(boolOperand(func(f *frame) Truth {
		v, ok := s(f)
		return truth(!ok || strings.TrimSpace(v) == "")
	}), o)
}

func has(c *compiler, k *call) *operand {
	if !c.argumentCount(k, k.fn.params()) {
		return c.hollow(record.Boolean)
	}
	switch k.args[0].(type) {
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
	default:
		return c.errorf(k.args[0], document.CodeExprType, "write x != nil for a computed value", "has needs a field")
	}
	o := c.expr(k.args[0])
	switch {
	case o.stable != varies && !o.unknown():
		return constBool(True)
	case o.unknown() || o.ref == nil:
		return c.hollow(record.Boolean)
	}
	ref := o.ref
	return boolOperand(func(f *frame) Truth { return truth(!ref.absent(f)) })
}
