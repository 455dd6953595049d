package randexpr

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Generator makes expressions and rows from a seed.
type Generator struct{ r *rand.Rand }

// New returns the generator of a seed; the same seed gives the same cases.
func New(seed uint64) *Generator { return &Generator{rand.New(rand.NewPCG(seed, 1))} }

// Row is a random row. A tenth of the values is nil, some are huge.
func (g *Generator) Row() Row {
	row := Row{}
	for _, name := range []string{"a", "b", "c"} {
		row[name] = g.maybe(number(g.decimal()))
	}
	for _, name := range []string{"i", "j"} {
		row[name] = g.maybe(number(new(big.Rat).SetInt64(g.integer())))
	}
	row["p"] = g.maybe(boolean(g.r.IntN(2) == 0))
	return row
}

func (g *Generator) maybe(v Value) Value {
	if g.r.IntN(10) == 0 {
		return missing
	}
	return v
}

func (g *Generator) integer() int64 {
	switch g.r.IntN(8) {
	case 0:
		return int64(g.r.Uint64())
	case 1:
		return int64(g.r.IntN(3)) - 1
	}
	return int64(g.r.IntN(2001)) - 1000
}

// decimal has up to 30 digits and up to 8 of them after the point.
func (g *Generator) decimal() *big.Rat {
	digits := new(big.Int)
	for range 1 + g.r.IntN(3)*g.r.IntN(3) {
		digits.Mul(digits, big.NewInt(1_000_000)).Add(digits, big.NewInt(int64(g.r.IntN(1_000_000))))
	}
	if g.r.IntN(2) == 0 {
		digits.Neg(digits)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(g.r.IntN(9))), nil)
	return new(big.Rat).SetFrac(digits, scale)
}

// Number is a random expression of kind Integer or Decimal.
func (g *Generator) Number(depth int) *Expr {
	if depth <= 0 || g.r.IntN(6) == 0 {
		return g.atom()
	}
	switch g.r.IntN(9) {
	case 0, 1, 2:
		return g.arithmetic(g.Number(depth-1), g.Number(depth-1))
	case 3:
		return g.rounded(depth)
	case 4:
		return g.quotient(depth)
	case 5:
		return g.unary(g.Number(depth - 1))
	case 6:
		return g.extreme(g.Number(depth-1), g.Number(depth-1))
	case 7:
		return choice(g.Condition(depth-1), g.Number(depth-1), g.Number(depth-1))
	}
	return coalesced(g.Number(depth-1), g.Number(depth-1))
}

func (g *Generator) atom() *Expr {
	switch g.r.IntN(3) {
	case 0:
		name := string("ij"[g.r.IntN(2)])
		return field(Integer, name)
	case 1:
		return field(Decimal, string("abc"[g.r.IntN(3)]))
	}
	if g.r.IntN(2) == 0 {
		v := int64(g.r.IntN(1000))
		return literal(Integer, strconv.FormatInt(v, 10), new(big.Rat).SetInt64(v))
	}
	v := new(big.Rat).Abs(g.decimal())
	return literal(Decimal, v.FloatString(8), v)
}

func field(kind Kind, name string) *Expr {
	return &Expr{Kind: kind, Text: name, SQL: name, Eval: func(r Row) (Value, error) { return r[name], nil }}
}

func literal(kind Kind, text string, v *big.Rat) *Expr {
	return &Expr{Kind: kind, Text: text, SQL: text + "::numeric", Eval: func(Row) (Value, error) { return number(v), nil }}
}

func (g *Generator) arithmetic(x, y *Expr) *Expr {
	op := string("+-*%"[g.r.IntN(4)])
	kind := max(x.Kind, y.Kind)
	return &Expr{
		Kind: kind, product: op == "*",
		Text: "(" + x.Text + " " + op + " " + y.Text + ")",
		SQL:  "(" + x.SQL + " " + op + " " + y.SQL + ")",
		Eval: lift(func(v []*big.Rat) (Value, error) {
			switch op {
			case "+":
				return fits(kind, new(big.Rat).Add(v[0], v[1]))
			case "-":
				return fits(kind, new(big.Rat).Sub(v[0], v[1]))
			case "*":
				return fits(kind, new(big.Rat).Mul(v[0], v[1]))
			}
			if v[1].Sign() == 0 {
				return missing, ErrFails
			}
			return fits(kind, remainder(v[0], v[1]))
		}, x, y),
	}
}

// whole is an operand of round that is no product: products are rounded
// without the bounds of integers.
func (g *Generator) whole(depth int) *Expr {
	if e := g.Number(depth); !e.product {
		return e
	}
	return g.atom()
}

func (g *Generator) rounded(depth int) *Expr {
	x := g.whole(depth - 1)
	switch g.r.IntN(4) {
	case 0:
		return &Expr{Kind: Decimal, Text: "floor(" + x.Text + ")", SQL: "floor(" + x.SQL + ")",
			Eval: lift(func(v []*big.Rat) (Value, error) { return number(floor(v[0])), nil }, x)}
	case 1:
		return &Expr{Kind: Decimal, Text: "ceil(" + x.Text + ")", SQL: "ceil(" + x.SQL + ")",
			Eval: lift(func(v []*big.Rat) (Value, error) {
				below := floor(new(big.Rat).Neg(v[0]))
				return number(below.Neg(below)), nil
			}, x)}
	}
	places := g.r.IntN(7) - 2
	call := fmt.Sprintf(", %d)", places)
	return &Expr{Kind: Decimal, Text: "round(" + x.Text + call, SQL: "round(" + x.SQL + call,
		Eval: lift(func(v []*big.Rat) (Value, error) { return number(round(v[0], places)), nil }, x)}
}

// quotient is a product and a quotient rounded once. PostgreSQL divides to a
// limited number of digits, so its form multiplies the dividend first and
// gives the division digits to spare.
func (g *Generator) quotient(depth int) *Expr {
	x, y, z := g.whole(depth-1), g.whole(depth-1), g.whole(depth-1)
	places := g.r.IntN(5)
	return &Expr{Kind: Decimal,
		Text: fmt.Sprintf("round(%s * %s / %s, %d)", x.Text, y.Text, z.Text, places),
		SQL:  fmt.Sprintf("round(round(%s * %s, 60) / %s, %d)", x.SQL, y.SQL, z.SQL, places),
		Eval: lift(func(v []*big.Rat) (Value, error) {
			if v[2].Sign() == 0 {
				return missing, ErrFails
			}
			q := new(big.Rat).Mul(v[0], v[1])
			return number(round(q.Quo(q, v[2]), places)), nil
		}, x, y, z),
	}
}

func (g *Generator) unary(x *Expr) *Expr {
	if g.r.IntN(2) == 0 {
		return &Expr{Kind: x.Kind, Text: "abs(" + x.Text + ")", SQL: "abs(" + x.SQL + ")",
			Eval: lift(func(v []*big.Rat) (Value, error) { return fits(x.Kind, new(big.Rat).Abs(v[0])) }, x)}
	}
	return &Expr{Kind: x.Kind, Text: "(-" + x.Text + ")", SQL: "(-" + x.SQL + ")",
		Eval: lift(func(v []*big.Rat) (Value, error) { return fits(x.Kind, new(big.Rat).Neg(v[0])) }, x)}
}

func (g *Generator) extreme(x, y *Expr) *Expr {
	name, sql, sign := "min", "least", -1
	if g.r.IntN(2) == 0 {
		name, sql, sign = "max", "greatest", 1
	}
	return &Expr{Kind: max(x.Kind, y.Kind), Text: name + "(" + x.Text + ", " + y.Text + ")",
		SQL: fmt.Sprintf("(CASE WHEN %s IS NOT NULL AND %s IS NOT NULL THEN %s(%s, %s) END)", x.SQL, y.SQL, sql, x.SQL, y.SQL),
		Eval: lift(func(v []*big.Rat) (Value, error) {
			if v[1].Cmp(v[0]) == sign {
				return number(v[1]), nil
			}
			return number(v[0]), nil
		}, x, y)}
}

func choice(cond, x, y *Expr) *Expr {
	return &Expr{Kind: max(x.Kind, y.Kind),
		Text: "(if " + cond.Text + " { " + x.Text + " } else { " + y.Text + " })",
		SQL:  fmt.Sprintf("(CASE WHEN %s THEN %s WHEN NOT %s THEN %s END)", cond.SQL, x.SQL, cond.SQL, y.SQL),
		Eval: func(r Row) (Value, error) {
			c, err := cond.Eval(r)
			switch {
			case err != nil || c.Nil:
				return missing, err
			case c.Bool:
				return x.Eval(r)
			}
			return y.Eval(r)
		}}
}

func coalesced(x, y *Expr) *Expr {
	return &Expr{Kind: max(x.Kind, y.Kind), Text: "(" + x.Text + " ?? " + y.Text + ")", SQL: "coalesce(" + x.SQL + ", " + y.SQL + ")",
		Eval: func(r Row) (Value, error) {
			if v, err := x.Eval(r); err != nil || !v.Nil {
				return v, err
			}
			return y.Eval(r)
		}}
}

// Condition is a random expression of kind Boolean.
func (g *Generator) Condition(depth int) *Expr {
	if depth <= 0 {
		return field(Boolean, "p")
	}
	switch g.r.IntN(6) {
	case 0:
		return logic(g.r.IntN(2) == 0, g.Condition(depth-1), g.Condition(depth-1))
	case 1:
		x := g.Condition(depth - 1)
		return &Expr{Kind: Boolean, Text: "(not " + x.Text + ")", SQL: "(NOT " + x.SQL + ")", Eval: func(r Row) (Value, error) {
			v, err := x.Eval(r)
			v.Bool = !v.Bool
			return v, err
		}}
	case 2:
		x := g.Number(depth - 1)
		return &Expr{Kind: Boolean, Text: "(" + x.Text + " == nil)", SQL: "(" + x.SQL + " IS NULL)", Eval: func(r Row) (Value, error) {
			v, err := x.Eval(r)
			return boolean(v.Nil), err
		}}
	}
	return g.comparison(g.Number(depth-1), g.Number(depth-1))
}

func logic(and bool, x, y *Expr) *Expr {
	word, sql := " or ", "(CASE WHEN %[1]s THEN true WHEN NOT %[1]s THEN %[2]s END)"
	if and {
		word, sql = " and ", "(CASE WHEN %[1]s THEN %[2]s WHEN NOT %[1]s THEN false END)"
	}
	return &Expr{Kind: Boolean, Text: "(" + x.Text + word + y.Text + ")", SQL: fmt.Sprintf(sql, x.SQL, y.SQL),
		Eval: func(r Row) (Value, error) {
			v, err := x.Eval(r)
			if err != nil || v.Nil || v.Bool != and {
				return v, err
			}
			return y.Eval(r)
		}}
}

func (g *Generator) comparison(x, y *Expr) *Expr {
	op := []string{"<", "<=", "==", "!=", ">=", ">"}[g.r.IntN(6)]
	return &Expr{Kind: Boolean, Text: "(" + x.Text + " " + op + " " + y.Text + ")",
		SQL: "(" + x.SQL + " " + strings.NewReplacer("==", "=", "!=", "<>").Replace(op) + " " + y.SQL + ")",
		Eval: lift(func(v []*big.Rat) (Value, error) {
			c := v[0].Cmp(v[1])
			return boolean(map[string]bool{"<": c < 0, "<=": c <= 0, "==": c == 0, "!=": c != 0, ">=": c >= 0, ">": c > 0}[op]), nil
		}, x, y)}
}
