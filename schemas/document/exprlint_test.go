package document

import "testing"

func TestLintExpression(t *testing.T) {
	for _, c := range []struct{ yaml, want, fix string }{
		{`x: amount == 1 # fine`, "", ""},
		{`x: unit == "A #3"`, "1:4 expr.comment_cut", `'unit == "A #3"'`},
		{`x: sum(lines, # the lines`, "1:4 expr.comment_cut", `'sum(lines, # the lines'`},
		{`x: a + # b`, "1:4 expr.comment_cut", `'a + # b'`},
		{`x: a and # b`, "1:4 expr.comment_cut", `'a and # b'`},
		{`x: band # b`, "", ""},
		{`x: 'a + "#3"'`, "", ""},
		{`x: a#b`, "", ""},
		{`x: due > 2026-01-31`, "1:10 expr.date_subtraction", `date("2026-01-31")`},
		{`x: "due > 2026-01-31"`, "1:11 expr.date_subtraction", `date(\"2026-01-31\")`},
		{`x: due > date("2026-01-31")`, "", ""},
		{`x: total - 12 - 13`, "", ""},
		{`x: 2026-99-31`, "", ""},
		{`x: status = "open"`, "1:11 expr.assignment", "=="},
		{`x: a >= 1 and b <= 2 and c != 3 and d == 4`, "", ""},
		{`x: 'name == "a = b"'`, "", ""},
		{`x: let y = 1; y + 2`, "", ""},
		{"x: >\n  a == 1\n  and b = 2\n", "3:9 expr.assignment", "=="},
		{`x: if a = 1 { 2 } else { 3 }`, "1:9 expr.assignment", "=="},
		{`x: 'it == "\"= 1"'`, "", ""},
	} {
		r := new(Report)
		docs := Parse("f", []byte(c.yaml+"\n"), r)
		if r.Errors() > 0 {
			t.Errorf("%s: %v", c.yaml, r.Diagnostics())
			continue
		}
		got, fix := "", ""
		if ds := LintExpression(Expr{docs[0].Root.Get("x").Scalar()}); len(ds) > 0 {
			got, fix = ds[0].Position.String()[2:]+" "+string(ds[0].Code), ds[0].Fix
		}
		if got != c.want || fix != c.fix {
			t.Errorf("%s\n got %q fix %q\nwant %q fix %q", c.yaml, got, fix, c.want, c.fix)
		}
	}
}

func TestLintWithoutADocument(t *testing.T) {
	at := Position{File: "--expr", Line: 1, Column: 1}
	ds := LintExpression(ExprAt("a = 1\n&& b = 2", at))
	if len(ds) != 2 || ds[0].Column != 3 || ds[1].Line != 2 || ds[1].Column != 6 {
		t.Fatalf("%+v", ds)
	}
}

// A definition marks an expression by =; the part behind it keeps its place.
func TestLintAPartOfAScalar(t *testing.T) {
	docs := Parse("f", []byte("x: =a = b\ny: =f(a, # b\n"), new(Report))
	x := docs[0].Root.Get("x").Scalar()
	if ds := LintExpression(Expr{x.Slice(1, len(x.Value))}); len(ds) != 1 || ds[0].Column != 7 {
		t.Errorf("%+v", ds)
	}
	y := docs[0].Root.Get("y").Scalar()
	if ds := LintExpression(Expr{y.Slice(1, len(y.Value))}); len(ds) != 1 || ds[0].Fix != "'=f(a, # b'" || ds[0].Column != 4 || ds[0].EndColumn != 13 {
		t.Errorf("%+v", ds)
	}
}

func TestQuotesEaten(t *testing.T) {
	for text, want := range map[string]bool{
		`x: "Rent"`: true, `x: 'Rent'`: true, `x: Rent`: false, `x: '"Rent"'`: false, `x: "\"Rent\""`: false, "x: |\n  Rent\n": false,
	} {
		docs := Parse("f", []byte(text+"\n"), new(Report))
		e := Expr{docs[0].Root.Get("x").Scalar()}
		if e.QuotesEaten() != want {
			t.Errorf("%s: %v", text, e.QuotesEaten())
		}
		if want {
			if d := QuotesEatenFinding(e); d.Fix != `'"Rent"'` || d.Column != 4 || d.EndColumn != 10 {
				t.Errorf("%+v", d)
			}
		}
	}
}
