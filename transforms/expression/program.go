package expression

import (
	"fmt"
	"slices"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Program is a checked expression. It is immutable and may be shared between
// goroutines; each of them evaluates it with an Evaluator of its own.
type Program struct {
	body    *operand
	field   record.Field
	uses    []string
	assumed []string
	names   []string // fields that may turn out nil, by number
	lists   int      // slots of list elements
	slots   int      // slots of let
	limits  Limits
	hollow  bool // reads something of unknown kind or value
}

// Compile checks an expression against env and makes a program of it. Every
// problem that can be found is reported at its place in the document, with
// path as the value's JSON pointer; the result is nil when there is one.
func Compile(x document.Expr, env *Env, path string, r *document.Report) *Program {
	c := &compiler{env: env, x: x, path: path, report: r}
	c.program = &Program{limits: env.Limits.orDefault(), lists: 1}
	if !c.read() {
		return nil
	}
	body := c.expr(c.syn.root)
	c.checkResult(body)
	if c.errors > 0 {
		return nil
	}
	p := c.program
	p.body = body
	p.field = record.Field{Kind: body.kind, Scale: body.scale, Inexact: body.inexact, Child: body.child}
	if body.unknown() {
		p.hollow = true
	}
	if env.Assumed != nil {
		for _, name := range p.assumed {
			env.Assumed(name, x.Text)
		}
	}
	return p
}

// read parses the text, and reports why it cannot.
func (c *compiler) read() bool {
	syn, problems := parse(c.x.Value)
	c.syn = syn
	if len(problems) > 0 && problems[0].code == document.CodeExprTooLarge {
		c.add(problems[0])
		return false
	}
	if slips := document.LintExpression(c.x); len(slips) > 0 {
		for _, d := range slips {
			d.Path = c.path
			c.report.Add(d)
		}
		return false
	}
	if len(problems) > 0 && c.x.QuotesEaten() && syn.onlyWords() {
		c.quotesEaten()
		return false
	}
	for _, p := range problems {
		c.add(p)
	}
	return len(problems) == 0
}

// checkResult refuses what no field can hold.
func (c *compiler) checkResult(o *operand) {
	switch {
	case o.isNil():
		c.errorf(o.node, document.CodeExprType, "nil needs company: if paid { amount } else { nil }", "the result is always nil")
	case o.kind == kindSpan:
		c.errorf(o.node, document.CodeExprType, "add it to a date: due + days(5)", "a number of days or months alone is no value")
	case o.kind == kindSet:
		c.errorf(o.node, document.CodeExprType, "use it with in: x in [\"a\", \"b\"]", "a list in [ ] is no value of a field")
	case o.kind == record.List && o.list != nil && o.list.mapped != nil:
		c.errorf(o.node, document.CodeExprType, "make one value of it: sum(…), join(…), first(…)", "a list of plain values is no value of a field")
	}
}

// Field is the static type of the result, without a name. Scale is set when
// the number of digits after the point is the same for every record.
func (p *Program) Field() record.Field { return p.field }

// Uses lists the record's fields the program reads, in order of appearance.
func (p *Program) Uses() []string { return slices.Clone(p.uses) }

// Assumed lists the names an open shape does not declare.
func (p *Program) Assumed() []string { return slices.Clone(p.assumed) }

// Evaluable reports whether every field and constant has a kind and a value,
// so that records can be evaluated.
func (p *Program) Evaluable() bool { return !p.hollow }

// Evaluator returns the scratch of one lane. It is not safe for concurrent
// use. It panics for a program that can only be checked.
func (p *Program) Evaluator() *Evaluator {
	if p.hollow {
		panic(fmt.Sprintf("expression over assumed fields %q cannot be evaluated", p.assumed))
	}
	e := &Evaluator{p: p}
	e.f.limits = p.limits
	e.f.elems = make([]elem, p.lists)
	e.f.slots = make([]slot, p.slots)
	return e
}
