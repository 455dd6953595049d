package randexpr

import (
	"errors"
	"math/big"
)

// ErrFails says that a row has no answer: a division by zero, or an integer
// that left 64 bits.
var ErrFails = errors.New("the expression fails for this row")

// Kind is the static type of an expression.
type Kind uint8

// The kinds.
const (
	Integer Kind = iota
	Decimal
	Boolean
)

// Value is the answer for one row: a number, a boolean, or nil.
type Value struct {
	Nil  bool
	Num  *big.Rat
	Bool bool
}

var missing = Value{Nil: true}

func number(r *big.Rat) Value { return Value{Num: r} }
func boolean(b bool) Value    { return Value{Bool: b} }

// Row holds the fields a, b, c (decimal), i, j (integer) and p (boolean).
type Row map[string]Value

// Expr is a random expression in three forms.
type Expr struct {
	Kind Kind
	Text string // in the expression language
	SQL  string // for PostgreSQL, over numeric and boolean columns of the same names
	Eval func(Row) (Value, error)

	product bool // a * at the top
}

// lift applies fn to the values of the operands, nil being contagious.
func lift(fn func(v []*big.Rat) (Value, error), es ...*Expr) func(Row) (Value, error) {
	return func(r Row) (Value, error) {
		nums := make([]*big.Rat, len(es))
		for i, e := range es {
			v, err := e.Eval(r)
			if err != nil || v.Nil {
				return missing, err
			}
			nums[i] = v.Num
		}
		return fn(nums)
	}
}

// fits refuses integers beyond 64 bits.
func fits(kind Kind, r *big.Rat) (Value, error) {
	if kind == Integer && !r.Num().IsInt64() {
		return missing, ErrFails
	}
	return number(r), nil
}

// round is half away from zero to the places after the point.
func round(r *big.Rat, places int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(places, -places))), nil)
	factor := new(big.Rat).SetInt(scale)
	if places < 0 {
		factor.Inv(factor)
	}
	x := new(big.Rat).Mul(r, factor)
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	x.Add(x, half)
	whole := new(big.Int).Quo(x.Num(), x.Denom()) // towards zero
	return x.Quo(new(big.Rat).SetInt(whole), factor)
}

// floor is the next whole number below.
func floor(r *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom()))
}

// remainder has the sign of x.
func remainder(x, y *big.Rat) *big.Rat {
	q := new(big.Rat).Quo(x, y)
	whole := new(big.Rat).SetInt(new(big.Int).Quo(q.Num(), q.Denom()))
	return new(big.Rat).Sub(x, whole.Mul(whole, y))
}
