package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tieout/tieout/schemas/decimal"
)

// everyKind is a shape with a field of every kind, nested ones included.
func everyKind() *Shape {
	child := MustShape(NewField("n", Decimal), NewField("t", Text))
	inner := MustShape(NewField("x", Integer), Field{Name: "list", Kind: List, Scale: NoScale, Child: child})
	return MustShape(NewField("text", Text), NewField("int", Integer), Field{Name: "dec", Kind: Decimal, Scale: 2}, NewField("bool", Boolean),
		NewField("date", Date), NewField("month", Month), NewField("stamp", Timestamp),
		Field{Name: "list", Kind: List, Scale: NoScale, Child: child}, Field{Name: "rec", Kind: Record, Scale: NoScale, Child: inner},
		NewField("opaque", List))
}

// randomBatch fills a batch with random rows.
func randomBatch(t *rapid.T) *Batch {
	b := new(Batch)
	b.Reset(everyKind(), 0)
	for row := range rapid.IntRange(0, 6).Draw(t, "rows") {
		b.SetRows(row + 1)
		fillRow(t, b, row)
	}
	b.AllLive()
	return b
}

func fillRow(t *rapid.T, b *Batch, row int) {
	for i := range b.Columns {
		c, f := &b.Columns[i], &b.Shape.Fields[i]
		p := Presence(rapid.IntRange(0, 2).Draw(t, "presence"))
		c.Presence[row] = p
		switch {
		case c.Kind == List && f.Child != nil:
			if p == Value {
				for range rapid.IntRange(0, 3).Draw(t, "elements") {
					n := c.Child.Rows
					c.Child.SetRows(n + 1)
					fillRow(t, c.Child, n)
				}
			}
			c.EndList(row, p)
		case c.Kind == Record:
			fillRow(t, c.Child, row)
		case p == Value:
			fillCell(t, c, row)
		}
	}
}

func fillCell(t *rapid.T, c *Column, row int) {
	switch c.Kind {
	case Text:
		c.SetString(row, rapid.StringN(0, 12, 40).Draw(t, "text"))
	case List:
		c.SetString(row, `[1, "x"]`)
	case Decimal:
		d, err := decimal.Parse(rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,2})?`).Draw(t, "decimal"))
		if err != nil {
			t.Fatal(err)
		}
		c.SetDecimal(row, d)
	case Boolean:
		c.SetBool(row, rapid.Bool().Draw(t, "bool"))
	default:
		c.SetInt(row, rapid.Int64Range(-800000, 800000).Draw(t, "int"))
	}
}

func rowsJSON(b *Batch, rows []int32) string {
	var out []string
	for _, r := range rows {
		out = append(out, string(AppendRowJSON(nil, b, int(r))))
	}
	return strings.Join(out, "\n")
}

// Whatever moves rows about must leave every value as it was.
func TestRowsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := randomBatch(t)
		var rows []int32
		if b.Rows > 0 {
			rows = rapid.SliceOfN(rapid.Int32Range(0, int32(b.Rows-1)), 0, 10).Draw(t, "picked")
		}
		want := rowsJSON(b, rows)
		var picked, appended, spilled Batch
		b.Pick(&picked, rows)
		appended.Reset(b.Shape, 0)
		appended.Append(b, rows)
		spilled.Reset(b.Shape, 0)
		var text []byte
		for _, r := range rows {
			text = AppendRow(text, b, int(r))
		}
		for len(text) > 0 {
			var err error
			if text, err = ReadRow(text, &spilled); err != nil {
				t.Fatal(err)
			}
		}
		for name, got := range map[string]*Batch{"Pick": &picked, "Append": &appended, "AppendRow": &spilled} {
			if diff := cmp.Diff(want, rowsJSON(got, got.Live)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestReadRowRefusesDamage(t *testing.T) {
	b := new(Batch)
	b.Reset(MustShape(NewField("a", Text), NewField("n", Integer)), 1)
	b.Columns[0].SetString(0, "hello")
	b.Columns[1].SetInt(0, 7)
	whole := AppendRow(nil, b, 0)
	for n := range whole {
		var out Batch
		out.Reset(b.Shape, 0)
		if _, err := ReadRow(whole[:n], &out); err == nil {
			t.Errorf("the first %d bytes of a row were taken for a row", n)
		}
	}
}

// The scale of a column follows its values, and values set before keep theirs.
func TestDecimalColumn(t *testing.T) {
	var c Column
	c.Reset(Decimal, 5)
	for row, text := range []string{"1", "2.50", "-0.001", "123456789012345678901234567890.5", "9223372036854775807"} {
		d, err := decimal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDecimal(row, d)
	}
	for row, want := range []string{"1", "2.5", "-0.001", "123456789012345678901234567890.5", "9223372036854775807"} {
		if got := string(c.Decimal(row).AppendCanonical(nil)); got != want {
			t.Errorf("row %d is %s, want %s", row, got, want)
		}
	}
}

func TestDropHeldTakesWholeDocuments(t *testing.T) {
	b := new(Batch)
	b.Reset(MustShape(NewField("n", Integer)), 6)
	b.Doc = append(b.Doc, 0, 0, 1, 1, 1, 2)
	b.Live = []int32{0, 1, 2, 4, 5} // row 3 was filtered before
	b.Hold(Hold{Row: 4, Code: "rule.failed"})
	b.DropHeld(0)
	if diff := cmp.Diff([]int32{0, 1, 5}, b.Live); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
	if len(b.Held) != 2 || !b.Held[1].Echo || b.Held[1].Row != 2 {
		t.Errorf("held: %+v", b.Held)
	}
	if diff := cmp.Diff([]int32{2, 4}, b.Stopped); diff != "" {
		t.Errorf("stopped (-want +got):\n%s", diff)
	}
}

func TestJSONText(t *testing.T) {
	tests := map[string]string{"plain": `"plain"`, "q\"b\\": `"q\"b\\"`, "a\nb\tc\rd\x01": `"a\nb\tc\rd\u0001"`, "é\u2028": "\"é\u2028\"", "\xffx": "\"\ufffdx\""}
	for in, want := range tests {
		if got := string(AppendJSONString(nil, []byte(in))); got != want {
			t.Errorf("%q gives %s, want %s", in, got, want)
		}
	}
}

func TestCivil(t *testing.T) {
	tests := map[int64]string{0: "1970-01-01", -1: "1969-12-31", 11016: "2000-02-29", 20778: "2026-11-21", -719162: "0001-01-01", 2932896: "9999-12-31"}
	for days, want := range tests {
		if got := string(AppendDate(nil, days)); got != want {
			t.Errorf("day %d is %s, want %s", days, got, want)
		}
	}
	for months, want := range map[int64]string{0: "1970-01", -1: "1969-12", 682: "2026-11"} {
		if got := string(AppendMonth(nil, months)); got != want {
			t.Errorf("month %d is %s, want %s", months, got, want)
		}
	}
}

func TestShape(t *testing.T) {
	if _, err := NewShape(NewField("a", Text), NewField("a", Text)); err == nil {
		t.Error("a name that is there twice was accepted")
	}
	if _, err := NewShape(NewField("", Text)); err == nil {
		t.Error("an empty name was accepted")
	}
	for _, name := range KindNames() {
		if k, ok := ParseKind(name); !ok || k.String() != name {
			t.Errorf("kind %q is read as %s", name, k)
		}
	}
	if _, ok := ParseKind("float"); ok {
		t.Error("there is a float")
	}
	if s := fmt.Sprint(everyKind()); !strings.HasPrefix(s, "text text, int integer") {
		t.Error(s)
	}
}
