package expression

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/schemas/record"
)

// TestHostile runs formulas that would take hours, or gigabytes, and are to be
// stopped at once.
func TestHostile(t *testing.T) {
	b := manyLines(3000)
	env := &Env{Shape: b.Shape}
	bomb := "let a = \"0123456789\"; "
	for range 20 {
		bomb = strings.Replace(bomb, "; ", "; let a = a + a + a + a + a + a + a + a; ", 1)
	}
	cases := map[string]string{
		"nested counts":      "count(lines, count(lines, count(lines, .qty > 0) > 0) > 0) > 0",
		"nested sums":        "sum(lines, sum(lines, sum(lines, .amount))) > 0",
		"let list":           "let l = filter(lines, .qty > 0); count(l, count(l, count(l, .qty > 0) > 0) > 0) > 0",
		"joins":              `length(join(lines, join(lines, join(lines, .code, ","), ","), ",")) > 0`,
		"replace":            "length(" + strings.Repeat("replace(", 8) + `join(lines, .code, "")` + strings.Repeat(`, "1", "1111111111")`, 8) + ") > 0",
		"pad":                `length(join(lines, pad_left(.code, 100000, "x"), "")) > 0`,
		"pad far":            `length(pad_left("x", 9223372036854775807, "é")) > 0`,
		"text bomb":          bomb + "length(a) > 0",
		"digits":             "sum(lines, (((1.123456789 ** 64) ** 64) ** 64)) > 0",
		"digits by let":      "let a = sum(lines, .amount) ** 60; let b = a ** 60; let c = b ** 60; c ** 60 > 0",
		"maps":               "sum(" + strings.Repeat("map(", 60) + "map(lines, .amount)" + strings.Repeat(", # + #)", 60) + ") > 0",
		"pattern":            `count(lines, count(lines, matches(join(lines, .code, ""), "(a|A|1|2)*(b|A|3)*(c|0)*$")) > 0) > 0`,
		"contains in a loop": `count(lines, join(lines, .code, "") contains "zzz") > 0`,
		"compare in a loop":  `count(lines, join(lines, .code, "") < join(lines, .code, "")) > 0`,
		"hash in a loop":     `count(lines, hash(join(lines, .code, "")) == "") > 0`,
		"long body":          "count(lines, count(lines, " + strings.Repeat(".amount + ", 500) + "1 > 0) > 0) > 0",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			p, found := compileWith(env, text)
			if p == nil {
				t.Fatal(found)
			}
			start := time.Now()
			var c record.Column
			failure := Failure{}
			p.Evaluator().Eval(b, &c, func(_ int32, f Failure) { failure = f })
			if failure.Code != "expr.too_large" {
				t.Errorf("not stopped: %q, result %s", failure, show(&c, 0))
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("stopped after %s", took)
			}
		})
	}
}

func TestLimitsAreNamed(t *testing.T) {
	b := manyLines(100)
	for _, c := range []struct {
		limits Limits
		expr   string
		want   string
	}{
		{Limits{Steps: 50}, "sum(lines, .qty)", "failed: expr.too_large the expression took more than 50 steps for one record (limit steps)"},
		{Limits{Steps: 50}, "sum(map(lines, .qty))", "failed: expr.too_large the expression took more than 50 steps for one record (limit steps)"},
		{Limits{Steps: 50}, "count(filter(lines, .qty > 0))", "failed: expr.too_large the expression took more than 50 steps for one record (limit steps)"},
		{Limits{Steps: 50}, `"B" in map(lines, .code)`, "failed: expr.too_large the expression took more than 50 steps for one record (limit steps)"},
		{Limits{Steps: 1000}, "sum(lines, .qty)", "100"},
		{Limits{Bytes: 500}, `join(lines, .code, "")`, "failed: expr.too_large the expression made more than 500 bytes of text for one record (limit bytes)"},
		{Limits{Bytes: 5000}, `length(join(lines, .code, ""))`, "1000"},
	} {
		if got := evaluate(t, &Env{Shape: b.Shape, Limits: c.limits}, b, c.expr); got != c.want {
			t.Errorf("%s: %s, want %s", c.expr, got, c.want)
		}
	}
}

// TestEscapes tries what other expression languages offer: nothing but the
// record and the constants may be reached.
func TestEscapes(t *testing.T) {
	for _, text := range []string{
		"env.HOME", "$env", "$env.HOME", "os.Getenv(\"HOME\")", "rent.String()", "due.Year()", "now()", "::now()", "::sum(lines, .amount, 1)", "repeat(\"a\", 1000000)", "reduce(lines, #acc + #, 0)",
		"toJSON(lines)", "fromJSON(\"{}\")", "type(rent)", "get(lines, 0)", "keys(address)", "groupBy(lines, .code)", "sortBy(lines, .amount)", "find(lines, .open)", "1..1000000000", "map(1..10, #)",
		"lines[0].amount", "flatten(lines)", "toBase64(unit)", "duration(\"1h\")", "bitand(1, 2)", "let f = upper; f(unit)", "secret", "${env:HOME}", "record.Env", "__proto__", "this", "lines.#", "map(0,{1}), map(0,{2})", "1}) + map(0,{2", "rent})", "\n}) + map(0,{1",
	} {
		if p, found := compileWith(sampleEnv(), text); p != nil || found.Errors() == 0 {
			t.Errorf("%q compiles", text)
		}
	}
}
