package decimal

import (
	gobuild "go/build"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestPublicSuite runs the General Decimal Arithmetic test suite where the
// oracle's module carries it; it is not part of this repository. Only vectors
// that this package can express count: finite, within the suite's precision,
// and without its exponent limits.
func TestPublicSuite(t *testing.T) {
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(gobuild.Default.GOPATH, "pkg", "mod")
	}
	dirs, _ := filepath.Glob(filepath.Join(cache, "github.com/cockroachdb/apd/v3@*", "testdata"))
	if len(dirs) == 0 {
		t.Skip("the suite is not in the module cache")
	}
	for _, op := range []string{"add", "subtract", "multiply", "compare", "divide", "divideint", "remainder", "quantize", "minus", "abs"} {
		text, err := os.ReadFile(filepath.Join(dirs[0], op+".decTest"))
		if err != nil {
			t.Fatal(err)
		}
		if ran := runSuite(t, string(text)); ran < 40 {
			t.Errorf("%s: only %d vectors were applicable", op, ran)
		} else {
			t.Logf("%s: %d vectors", op, ran)
		}
	}
}

func runSuite(t *testing.T, text string) (ran int) {
	precision, rounding := 0, ""
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(strings.ReplaceAll(line, "'", ""))
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "--"):
		case strings.EqualFold(f[0], "precision:"):
			precision, _ = strconv.Atoi(f[1])
		case strings.EqualFold(f[0], "rounding:"):
			rounding = strings.ToLower(f[1])
		default:
			if got, want, ok := suiteVector(f, precision, rounding); ok {
				ran++
				if !got.Equal(want) {
					t.Errorf("%s: got %s", line, got)
				}
			}
		}
	}
	return ran
}

// suiteVector evaluates "id op operands -> result conditions"; ok is false for
// what this package does not express.
func suiteVector(f []string, precision int, rounding string) (got, want Decimal, ok bool) {
	arrow := 0
	for i, s := range f {
		if s == "->" {
			arrow = i
		}
	}
	if arrow < 3 || arrow+1 >= len(f) {
		return got, want, false
	}
	op := strings.ToLower(f[1])
	conditions := strings.Join(f[arrow+2:], " ")
	exact := !strings.Contains(conditions, "Inexact") && !strings.Contains(conditions, "Rounded")
	if !exact && op != "quantize" && !(op == "divide" && precision == quoDigits && rounding == "half_even") {
		return got, want, false
	}
	a, err1 := Parse(f[2])
	b, err2 := a, error(nil)
	if arrow > 3 {
		b, err2 = Parse(f[3])
	}
	want, err3 := Parse(f[arrow+1])
	if err1 != nil || err2 != nil || err3 != nil || strings.ContainsAny(conditions, "SFUO") {
		return got, want, false // specials, and what the exponent limits did
	}
	got, ok = suiteResult(op, a, b, f[3], rounding)
	return got, want, ok
}

func suiteResult(op string, a, b Decimal, second, rounding string) (Decimal, bool) {
	var q Decimal
	var err error
	switch op {
	case "add":
		return a.Add(b), true
	case "subtract":
		return a.Sub(b), true
	case "multiply":
		return a.Mul(b), true
	case "compare":
		return FromInt(int64(a.Cmp(b))), true
	case "minus":
		return a.Neg(), true
	case "abs":
		return a.Abs(), true
	case "divide":
		q, _, err = Quo(a, b)
	case "divideint":
		q, err = QuoInt(a, b)
	case "remainder":
		q, err = Mod(a, b)
	case "quantize":
		return suiteQuantize(a, b, second, rounding)
	default:
		return q, false
	}
	return q, err == nil
}

// suiteQuantize takes the places from the written exponent of the second
// operand.
func suiteQuantize(a, b Decimal, second, rounding string) (Decimal, bool) {
	mode, err := ParseMode(rounding)
	places := b.Scale()
	if mantissa, exp, ok := strings.Cut(strings.ToLower(second), "e"); ok && err == nil {
		var n int
		n, err = strconv.Atoi(strings.TrimPrefix(exp, "+"))
		places = MustParse(mantissa).Scale() - int32(n)
	}
	return a.Round(places, mode), err == nil && places > -MaxDigits
}
