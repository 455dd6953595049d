package expression

import (
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/schemas/record"
)

// TestNilMatrix puts nil on the left, on the right and on both sides of every
// operator.
func TestNilMatrix(t *testing.T) {
	type operators struct{ ops, value, missing string }
	for _, g := range []operators{
		{"+ - * / % == != < <= > >=", "rent", "paid"},
		{"+ - * / % == != < <= > >=", "qty", "maybe"},
		{"+ == != < <= > >= contains startsWith endsWith", "unit", "note"},
		{"- == != < <= > >=", "due", "moved_out"},
		{"== !=", "open", "flag"},
	} {
		for _, op := range strings.Fields(g.ops) {
			for _, sides := range [][2]string{{g.missing, g.value}, {g.value, g.missing}, {g.missing, g.missing}} {
				checkNil(t, sides[0]+" "+op+" "+sides[1], g.missing)
			}
		}
	}
	for _, c := range []struct{ expr, missing string }{
		{"-paid", "paid"}, {"-maybe", "maybe"}, {"not flag", "flag"}, {"+paid", "paid"}, {"paid ** 2", "paid"}, {"maybe ** 2", "maybe"},
		{"moved_out + days(1)", "moved_out"}, {"due + days(maybe)", "maybe"}, {"due - months(maybe)", "maybe"},
		{"note in [\"a\"]", "note"}, {"maybe in [1, 2]", "maybe"}, {"note matches \"a\"", "note"}, {"note in map(lines, .code)", "note"},
		{"if flag { 1 } else { 2 }", "flag"}, {"flag ? \"a\" : \"b\"", "flag"}, {"round(paid, 2)", "paid"}, {"round(paid / rent, 2)", "paid"}, {"round(rent * 2 / paid, 2)", "paid"},
		{"floor(paid)", "paid"}, {"min(rent, paid)", "paid"}, {"max(maybe, qty)", "maybe"}, {"paid ?? maybe", "maybe"}, {"address.zip", "address.zip"},
		{"sum(nil_lines, .amount)", "nil_lines"}, {"count(nil_lines)", "nil_lines"}, {"all(nil_lines, .open)", "nil_lines"}, {"any(nil_lines, true)", "nil_lines"},
		{"count(lines, .paid_on > due)", "lines.paid_on"}, {"all(lines, .paid_on < due)", "lines.paid_on"}, {"max(lines, .paid_on)", "lines.paid_on"}, {"join(lines, text(.paid_on), \",\")", "lines.paid_on"},
		{"count(filter(lines, .paid_on < due))", "lines.paid_on"}, {"min(no_lines, .amount)", "no_lines"}, {"first(nil_lines, .amount)", "nil_lines"}, {"sum(lines, .amount + paid)", "paid"},
		{"let x = paid; x + 1", "paid"}, {"(paid ?? maybe) + moved_out - moved_out", ""}, {"none(lines, .paid_on > due)", "lines.paid_on"}, {"one(lines, .paid_on > due)", "lines.paid_on"},
	} {
		if c.missing != "" {
			checkNil(t, c.expr, c.missing)
		}
	}
}

func checkNil(t *testing.T, expr, missing string) {
	t.Helper()
	p, found := compileWith(sampleEnv(), expr)
	if p == nil {
		t.Errorf("%s: %v", expr, found)
		return
	}
	e := p.Evaluator()
	var c record.Column
	e.Eval(sampleBatch(), &c, func(_ int32, f Failure) { t.Errorf("%s failed: %s", expr, f.Message) })
	if got := show(&c, 0); got != "nil" {
		t.Errorf("%s = %s, want nil", expr, got)
	}
	if e.NilField() != missing {
		t.Errorf("%s: the nil field is %q, want %q", expr, e.NilField(), missing)
	}
}

// TestNilArguments gives every function nil in every place.
func TestNilArguments(t *testing.T) {
	open := map[string]bool{"prorate from": true, "prorate to": true, "prorate_over from": true, "prorate_over to": true}
	for _, a := range areas() {
		for _, fn := range a.functions {
			if fn.special != nil {
				continue
			}
			ps := fn.params()
			for i := range ps {
				if ps[i].constant || slices.Contains(ps[i].kinds, kindSpan) || fn.name() == "days" || fn.name() == "months" {
					continue
				}
				if expr := callWithNil(&fn, ps, i); !open[fn.name()+" "+ps[i].name] {
					checkNil(t, expr, missingOf(&ps[i]))
				}
			}
		}
	}
}

func callWithNil(fn *function, ps []param, nilAt int) string {
	var args []string
	for i := range ps {
		switch p := &ps[i]; {
		case i == nilAt:
			args = append(args, missingOf(p))
		case p.optional && i > nilAt:
			return fn.name() + "(" + strings.Join(args, ", ") + ")"
		case p.name == "pattern" && fn.name() == "matches":
			args = append(args, `"x"`)
		case p.name == "pattern":
			args = append(args, `"YYYY-MM"`)
			if strings.HasPrefix(fn.signature, "parse") {
				args[i] = `"YYYY-MM-DD"`
			}
		case p.name == "namespace":
			args = append(args, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`)
		default:
			args = append(args, sampleOf(p))
		}
	}
	return fn.name() + "(" + strings.Join(args, ", ") + ")"
}

func missingOf(p *param) string {
	if len(p.kinds) == 0 {
		return "note"
	}
	switch p.kinds[0] {
	case record.Text:
		return "note"
	case record.Integer:
		return "maybe"
	case record.Timestamp:
		return "gone_at"
	}
	return "moved_out"
}

func sampleOf(p *param) string {
	switch p.kinds[0] {
	case record.Text:
		return `"1"`
	case record.Integer:
		return "1"
	case record.Timestamp:
		return "created"
	}
	return "due"
}

func TestLookingAtNil(t *testing.T) {
	env := sampleEnv()
	for _, c := range []struct{ expr, want string }{
		{"paid == nil", "true"}, {"paid != nil", "false"}, {"nil == rent", "false"}, {"rent != nil", "true"}, {"gone == nil", "true"}, {"nil_lines == nil", "true"}, {"lines != nil", "true"},
		{"address == nil", "false"}, {"address.zip == nil", "true"}, {"(paid + 1) == nil", "true"}, {"flag == nil", "true"}, {"moved_out == nil", "true"},
		{"has(gone)", "false"}, {"has(paid)", "true"}, {"has(rent)", "true"}, {"has(address.zip)", "true"}, {`has(record["Unit No"])`, "true"}, {"has(nil_lines)", "true"},
		{"blank(note)", "true"}, {"blank(rent)", "false"}, {"blank(no_lines)", "false"}, {"blank(nil_lines)", "true"},
		{"flag ?? true", "true"}, {"note ?? gone ?? \"x\"", "x"}, {"moved_out ?? due", "2026-10-22"}, {"count(lines, .paid_on == nil)", "1"}, {"count(lines, blank(.paid_on))", "1"},
		// and, or look at the left side first.
		{"false and flag", "false"}, {"flag and false", "nil"}, {"true and flag", "nil"}, {"flag and true", "nil"}, {"true or flag", "true"}, {"flag or true", "nil"}, {"false or flag", "nil"},
		{"prorate(rent, nil, moved_out, period)", "1500.00"}, {"prorate(rent, moved_out, nil, due)", "1500.00"}, {"prorate(paid, due, nil, due)", "nil"},
		{"all(lines, .qty > 2 and .paid_on < due)", "false"}, {"any(lines, .paid_on < due)", "true"}, {`any(lines, (if .qty == 2 { note } else { "x" }) == "x")`, "true"}, {`all(lines, (if .qty == 2 { note } else { "x" }) != "x")`, "false"}, {"first(lines, .paid_on)", "2026-10-01"}, {"last(lines, .paid_on)", "nil"},
		{"if paid == nil { rent } else { paid }", "1500.00"}, {"any(lines, .paid_on == nil) and not all(lines, .paid_on == nil)", "true"},
	} {
		if got := evaluate(t, env, sampleBatch(), c.expr); got != c.want {
			t.Errorf("%s = %s, want %s", c.expr, got, c.want)
		}
	}
}
