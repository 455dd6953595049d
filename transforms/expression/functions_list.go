package expression

import (
	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func listFunctions() []function {
	return []function{
		{
			signature: "sum(list: list, value?: each) -> number",
			doc:       "The sum of a value over the elements; 0 for an empty list.",
			examples:  []Example{{"sum(lines, .amount)", "150.00"}, {`sum(filter(lines, .code == "A"), .amount * 2)`, "200.00"}},
			special:   sum,
		},
		{
			signature: "count(list: list, condition?: each) -> integer",
			doc:       "The number of elements for which the condition is true, or of all.",
			examples:  []Example{{"count(lines)", "2"}, {"count(lines, .amount > 60)", "1"}},
			special:   count,
		},
		quantifier("all", "Whether the condition is true of every element; true for an empty list.", "all(lines, .amount >= 0)", "true", False, True),
		quantifier("any", "Whether the condition is true of at least one element.", `any(lines, .code == "B")`, "true", True, False),
		quantifier("none", "Whether the condition is true of no element.", `none(lines, .code == "B")`, "false", True, True),
		{
			signature: "one(list: list, condition: each) -> boolean",
			doc:       "Whether the condition is true of exactly one element.",
			examples:  []Example{{`one(lines, .code == "B")`, "true"}},
			special:   exactlyOne,
		},
		{
			signature: "filter(list: list, condition: each) -> list",
			doc:       "The elements for which the condition is true.",
			examples:  []Example{{"count(filter(lines, .amount > 60))", "1"}},
			special:   filter,
		},
		{
			signature: "map(list: list, value: each) -> list",
			doc:       "One value for each element, for sum, min, max, join, first, last, count and in.",
			examples:  []Example{{"sum(map(lines, .amount))", "150.00"}, {`"A" in map(lines, .code)`, "true"}},
			special:   mapList,
		},
		{
			signature: "min(values...: any) -> any",
			doc:       "The smallest of several values, or of a value over a list; nil for an empty list.",
			examples:  []Example{{"min(3, 1.5, 2)", "1.5"}, {"min(lines, .amount)", "50.00"}},
			special:   func(c *compiler, k *call) *operand { return c.extreme(k, -1) },
		},
		{
			signature: "max(values...: any) -> any",
			doc:       "The largest of several values, or of a value over a list; nil for an empty list.",
			examples:  []Example{{"max(3, 1.5, 2)", "3.0"}, {"max(lines, .amount)", "100.00"}, {"max(map(lines, .code))", "B"}},
			special:   func(c *compiler, k *call) *operand { return c.extreme(k, 1) },
		},
		{
			signature: "first(list: list, value?: each) -> any",
			doc:       "The value of the first element; nil for an empty list.",
			examples:  []Example{{"first(lines, .code)", "A"}},
			special:   func(c *compiler, k *call) *operand { return c.end(k, false) },
		},
		{
			signature: "last(list: list, value?: each) -> any",
			doc:       "The value of the last element; nil for an empty list.",
			examples:  []Example{{"last(lines, .code)", "B"}},
			special:   func(c *compiler, k *call) *operand { return c.end(k, true) },
		},
	}
}

// over is a list function's list, and what it computes of each element.
type over struct {
	*list
	body *operand // nil when no expression was given
	cost int
}

// overList checks the list argument and the expression over its elements. ok
// is false when the call cannot be built.
func (c *compiler) overList(k *call, least, most int) (o over, ok bool) {
	if len(k.args) < least || len(k.args) > most {
		c.errorf(k.node, document.CodeExprArguments, "write "+k.fn.examples[0].Expr, "%s takes %s, and here are %d", k.name, countOf(least, most), len(k.args))
		return o, false
	}
	in := c.expr(k.args[0])
	if in.kind != record.List {
		if !in.unknown() {
			c.errorf(k.args[0], document.CodeExprType, "write "+k.fn.examples[0].Expr, "%s needs a list, and this is %s", k.name, kindName(in.kind))
		}
		return o, false
	}
	if in.list == nil {
		return o, false // an assumed list
	}
	o.list = in.list
	if len(k.args) == 1 {
		o.body = in.list.mapped
		return o, true
	}
	o.body, o.cost = c.each(in.list, k.args[1])
	return o, !o.body.unknown()
}

// each checks an expression over the elements of a list. Its cost grows with
// its size, so that long formulas count for more.
func (c *compiler) each(l *list, n ast.Node) (*operand, int) {
	if p, ok := n.(*ast.PredicateNode); ok {
		n = p.Node
	}
	outer, before := c.scope, c.nodes
	c.scope = &scope{slot: l.slot, shape: l.shape, mapped: l.mapped, name: l.name}
	o := c.expr(n)
	c.scope = outer
	return o, 1 + (c.nodes-before)/16
}

// predicate is overList for functions that need true or false.
func (c *compiler) predicate(k *call, least int) (over, bool) {
	o, ok := c.overList(k, least, 2)
	if !ok || o.body == nil || len(k.args) < 2 {
		return o, ok
	}
	if o.body.kind != record.Boolean {
		c.errorf(k.args[1], document.CodeExprType, "compare it, as in .amount > 0", "%s needs true or false of each element, and this is %s", k.name, kindName(o.body.kind))
		return o, false
	}
	return o, true
}

// value is overList for functions that need a plain value of each element.
func (c *compiler) plainValue(k *call) (over, bool) {
	o, ok := c.overList(k, 1, 2)
	if !ok {
		return o, false
	}
	if o.body == nil {
		c.errorf(k.node, document.CodeExprArguments, "write "+k.name+"("+o.name+", .field)", "%s needs a value of each element", k.name)
		return o, false
	}
	if o.body.kind.Nested() || o.body.kind >= kindNil {
		c.errorf(o.body.node, document.CodeExprType, "", "%s needs a plain value of each element, and this is %s", k.name, kindName(o.body.kind))
		return o, false
	}
	return o, true
}

func sum(c *compiler, k *call) *operand {
	o, ok := c.plainValue(k)
	if !ok {
		return unknownOperand()
	}
	if !o.body.number() {
		c.errorf(o.body.node, document.CodeExprType, textHint(o.body, &operand{kind: record.Decimal}), "sum needs numbers, and this is %s", kindName(o.body.kind))
		return unknownOperand()
	}
	if o.body.kind == record.Integer {
		return o.sumInt()
	}
	return o.sumDec()
}

func (o over) sumInt() *operand {
	body := o.body.i
	return intOperand(record.Integer, func(f *frame) (int64, bool) {
		total, ok := int64(0), true
		done := o.each(f, o.cost, func() bool {
			var v int64
			if v, ok = body(f); !ok {
				return false
			}
			if total, ok = addInt(total, v); !ok {
				f.overflow()
			}
			return ok
		})
		return total, done && ok
	})
}

func (o over) sumDec() *operand {
	body, zero := o.body.d, decimal.New(0, max(o.body.scale, 0))
	s := decOperand(o.body.scale, func(f *frame) (decimal.Decimal, bool) {
		total, ok := zero, true
		done := o.each(f, o.cost, func() bool {
			var v decimal.Decimal
			if v, ok = body(f); ok {
				total, ok = f.exact(total.Add(v))
			}
			return ok
		})
		return total, done && ok
	})
	s.inexact = o.body.inexact
	return s
}

func count(c *compiler, k *call) *operand {
	o, ok := c.predicate(k, 1)
	if !ok {
		return c.hollow(record.Integer)
	}
	if len(k.args) == 1 && o.mapped == nil && len(o.keep) == 0 {
		return intOperand(record.Integer, func(f *frame) (int64, bool) {
			_, from, to, ok := o.rows(f)
			return int64(to - from), ok
		})
	}
	test := boolFn(func(*frame) Truth { return True })
	if len(k.args) == 2 {
		test = o.body.b
	}
	return intOperand(record.Integer, func(f *frame) (int64, bool) {
		n, last := int64(0), True
		done := o.each(f, o.cost, func() bool {
			if last = test(f); last == True {
				n++
			}
			return last != Nil
		})
		return n, done && last != Nil
	})
}

// quantifier is all, any and none: an element whose condition is stop decides,
// wherever it stands, and the answer is then the opposite of that for no such
// element.
func quantifier(name, doc, expr, want string, stop, otherwise Truth) function {
	return function{
		signature: name + "(list: list, condition: each) -> boolean",
		doc:       doc,
		examples:  []Example{{expr, want}},
		special: func(c *compiler, k *call) *operand {
			o, ok := c.predicate(k, 2)
			if !ok {
				return c.hollow(record.Boolean)
			}
			test := o.body.b
			return boolOperand(func(f *frame) Truth {
				result := otherwise
				done := o.each(f, o.cost, func() bool {
					switch test(f) {
					case stop:
						result = otherwise.not()
						return false
					case Nil: // a later one may decide all the same
						result = Nil
					}
					return true
				})
				if !done {
					return Nil
				}
				return result
			})
		},
	}
}

func exactlyOne(c *compiler, k *call) *operand {
	o, ok := c.predicate(k, 2)
	if !ok {
		return c.hollow(record.Boolean)
	}
	test := o.body.b
	return boolOperand(func(f *frame) Truth {
		n, last := 0, False
		done := o.each(f, o.cost, func() bool {
			if last = test(f); last == True {
				n++
			}
			return last != Nil && n < 2
		})
		if !done || last == Nil {
			return Nil
		}
		return truth(n == 1)
	})
}

func filter(c *compiler, k *call) *operand {
	o, ok := c.predicate(k, 2)
	if !ok {
		return unknownOperand()
	}
	narrowed := *o.list
	narrowed.keep = append(append([]boolFn{}, o.keep...), o.body.b)
	narrowed.cost += o.cost
	return &operand{kind: record.List, scale: record.NoScale, child: o.shape, list: &narrowed}
}

func mapList(c *compiler, k *call) *operand {
	o, ok := c.plainValue(k)
	if !ok || len(k.args) < 2 {
		return unknownOperand()
	}
	mapped := *o.list
	mapped.mapped = o.body
	mapped.cost += o.cost
	return &operand{kind: record.List, scale: record.NoScale, list: &mapped}
}
