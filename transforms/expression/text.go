package expression

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// concat joins texts. A chain of + is one concatenation, so that its text is
// written once.
func concat(parts ...*operand) *operand {
	var flat []*operand
	for _, p := range parts {
		if p.parts != nil {
			flat = append(flat, p.parts...)
		} else {
			flat = append(flat, p)
		}
	}
	apps := make([]appendFn, len(flat))
	for i, p := range flat {
		apps[i] = p.uncounted()
	}
	o := madeText(func(f *frame, dst []byte) ([]byte, bool) {
		from := len(dst)
		for _, app := range apps {
			var ok bool
			if dst, ok = app(f, dst); !ok {
				return dst, false
			}
		}
		return dst, f.room(len(dst) - from)
	})
	o.parts = flat
	return o
}

// appender appends any text to where it is wanted.
func (o *operand) appender() appendFn {
	if o.app != nil {
		return o.app
	}
	s := o.s
	return func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok || !f.room(len(v)) {
			return dst, false
		}
		return append(dst, v...), true
	}
}

// uncounted is appender for a caller that counts the bytes.
func (o *operand) uncounted() appendFn {
	switch {
	case o.app != nil:
		return o.app
	case o.ref != nil && o.ref.direct():
		return o.ref.appender()
	}
	s := o.s
	if o.stable == fixed {
		known, _ := s(nil) // a literal looks at no frame
		return func(f *frame, dst []byte) ([]byte, bool) { return append(dst, known...), true }
	}
	return func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		return append(dst, v...), ok
	}
}

// textOperator is contains, startsWith, endsWith and matches.
func (c *compiler) textOperator(n *ast.BinaryNode) *operand {
	a, b := c.expr(n.Left), c.expr(n.Right)
	for _, o := range []*operand{a, b} {
		if o.kind != record.Text && !o.unknown() {
			return c.errorf(o.node, document.CodeExprType, "write text(…)", "%s needs text, and this is %s", n.Operator, kindName(o.kind))
		}
	}
	if n.Operator == "matches" {
		return c.matches(n.Right, a, b)
	}
	if a.unknown() || b.unknown() {
		return c.hollow(record.Boolean)
	}
	return c.like(boolOperand(textTest(n.Operator, a.s, b.s)), a, b)
}

func textTest(operator string, a, b textFn) boolFn {
	test := map[string]func(s, part string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
	}[operator]
	return func(f *frame) Truth {
		x, ok := a(f)
		if !ok {
			return Nil
		}
		y, ok := b(f)
		if !ok || !f.scan(len(x)) {
			return Nil
		}
		return truth(test(x, y))
	}
}

// matches compiles its constant pattern once.
func (c *compiler) matches(at ast.Node, a, pattern *operand) *operand {
	text, ok := c.fixedText(pattern)
	if !ok {
		if pattern.stable == unset || pattern.unknown() {
			return c.hollow(record.Boolean)
		}
		return c.errorf(at, document.CodeExprType, "write the pattern as a text", "the pattern of matches must not depend on the record")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return c.errorf(at, document.CodeExprType, "patterns are regular expressions of RE2", "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if a.unknown() {
		return c.hollow(record.Boolean)
	}
	s := a.s
	return c.like(boolOperand(func(f *frame) Truth {
		x, ok := s(f)
		// A pattern may look at each byte many times.
		if !ok || !f.scan(16*len(x)) {
			return Nil
		}
		return truth(re.MatchString(x))
	}), a)
}

// fixedText is the value of a text known while compiling.
func (c *compiler) fixedText(o *operand) (string, bool) {
	if o.stable != fixed || o.kind != record.Text {
		return "", false
	}
	v, ok := o.s(c.scratch())
	return strings.Clone(v), ok
}
