package decimal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestVectors runs every line of testdata/*.txt: an operation, its operands,
// an arrow, and the exact text of the result. A quotient that lost digits is
// marked by "inexact" behind it, an operand that does not parse by "error".
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 2 {
		t.Fatalf("vector files: %v, %v", files, err)
	}
	ran := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			ran++
			left, want, ok := strings.Cut(line, " -> ")
			if !ok {
				t.Fatalf("%s:%d: no arrow in %q", file, i+1, line)
			}
			if got := evaluate(strings.Fields(left)); got != want {
				t.Errorf("%s:%d: %s: got %s, want %s", file, i+1, left, got, want)
			}
		}
	}
	if ran < 3000 {
		t.Errorf("only %d vectors ran", ran)
	}
}

func evaluate(f []string) string {
	var args [3]Decimal
	for i, s := range f[1:] {
		d, err := Parse(s)
		if err != nil {
			return "error"
		}
		args[i] = d
	}
	a, b, c := args[0], args[1], args[2]
	switch f[0] {
	case "add":
		return a.Add(b).String()
	case "subtract":
		return a.Sub(b).String()
	case "multiply":
		return a.Mul(b).String()
	case "compare":
		return strconv.Itoa(a.Cmp(b))
	case "divide":
		q, inexact, err := Quo(a, b)
		if inexact {
			return quotient(q, err) + " inexact"
		}
		return quotient(q, err)
	case "divide_int":
		return quotient(QuoInt(a, b))
	case "remainder":
		return quotient(Mod(a, b))
	case "minus":
		return a.Neg().String()
	case "abs":
		return a.Abs().String()
	case "parse":
		return a.String()
	case "canonical":
		return string(a.AppendCanonical(nil))
	}
	return evaluateRounding(f[0], a, b, c)
}

// evaluateRounding takes names such as round.half_up: operand, places;
// quotient.half_up: dividend, divisor, places.
func evaluateRounding(op string, a, b, c Decimal) string {
	name, modeName, _ := strings.Cut(op, ".")
	mode, err := ParseMode(modeName)
	if err != nil {
		return fmt.Sprintf("unknown operation %q", op)
	}
	switch name {
	case "round":
		return a.Round(int32(b.coef), mode).String()
	case "quotient":
		return quotient(QuoRound(a, b, int32(c.coef), mode))
	}
	return fmt.Sprintf("unknown operation %q", op)
}

func quotient(q Decimal, err error) string {
	if err != nil {
		return err.Error()
	}
	return q.String()
}
