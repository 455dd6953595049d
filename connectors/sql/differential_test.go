package sql_test

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
	"github.com/tieout/tieout/transforms/expression/randexpr"
)

var exprFields = []record.Field{
	record.NewField("a", record.Decimal), record.NewField("b", record.Decimal), record.NewField("c", record.Decimal),
	record.NewField("i", record.Integer), record.NewField("j", record.Integer), record.NewField("p", record.Boolean),
}

// TestExpressionsAgainstPostgres compares random expressions with PostgreSQL's
// numeric type, which shares nothing with ours.
func TestExpressionsAgainstPostgres(t *testing.T) {
	db, err := stdsql.Open("postgres", servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count, seed, compared := 300, uint64(20261121), 0
	if os.Getenv("TIEOUT_SOAK") != "" {
		count, seed = 20_000, rand.Uint64()
	}
	for n := range count {
		compared += compareWithPostgres(t, db, seed+uint64(n))
		if t.Failed() {
			return
		}
	}
	if compared < count {
		t.Errorf("only %d answers of %d expressions were compared", compared, count)
	}
	fmt.Printf("{\"test\":\"expressions against PostgreSQL\",\"expressions\":%d,\"answers\":%d,\"seed\":%d}\n", count, compared, seed)
}

func compareWithPostgres(t *testing.T, db *stdsql.DB, seed uint64) (compared int) {
	t.Helper()
	g := randexpr.New(seed)
	x := g.Number(4)
	if seed%3 == 0 {
		x = g.Condition(4)
	}
	var rows []randexpr.Row
	for range 12 {
		row := g.Row()
		if _, err := x.Eval(row); err == nil {
			rows = append(rows, row) // a row that fails here fails there too, and would end the statement
		}
	}
	if len(rows) == 0 {
		return 0
	}
	want, err := askPostgres(db, x.SQL, rows)
	if dividesByZero(err) {
		rows, want, err = oneByOne(db, x, rows)
	}
	if err != nil {
		t.Fatalf("seed %d: %s: %v", seed, x.SQL, err)
	}
	for i, got := range askTieout(t, x.Text, rows) {
		if !sameAnswer(got, want[i]) {
			t.Errorf("seed %d: %s over %v is %s, PostgreSQL says %s", seed, x.Text, rows[i], got, want[i])
		}
	}
	return len(rows)
}

// dividesByZero tells PostgreSQL's error 22012.
func dividesByZero(err error) bool {
	var failed *pq.Error
	return errors.As(err, &failed) && failed.Code == "22012"
}

// oneByOne asks for each row alone, and leaves out those for which PostgreSQL
// divides by zero in a part that a nil elsewhere decides without.
func oneByOne(db *stdsql.DB, x *randexpr.Expr, rows []randexpr.Row) (kept []randexpr.Row, want []string, err error) {
	for _, row := range rows {
		one, err := askPostgres(db, x.SQL, []randexpr.Row{row})
		if dividesByZero(err) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		kept, want = append(kept, row), append(want, one...)
	}
	return kept, want, nil
}

// askPostgres evaluates the SQL form over the rows, in order.
func askPostgres(db *stdsql.DB, query string, rows []randexpr.Row) ([]string, error) {
	var values []string
	for n, row := range rows {
		cells := []string{fmt.Sprint(n)}
		for i := range exprFields {
			cells = append(cells, literal(row[exprFields[i].Name], exprFields[i].Kind))
		}
		values = append(values, "("+strings.Join(cells, ",")+")")
	}
	found, err := db.Query("SELECT (" + query + ")::text FROM (VALUES " + strings.Join(values, ",") + ") AS v(n,a,b,c,i,j,p) ORDER BY n")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []string
	for found.Next() {
		var text stdsql.NullString
		if err := found.Scan(&text); err != nil {
			return nil, err
		}
		if !text.Valid {
			text.String = "nil"
		}
		out = append(out, text.String)
	}
	return out, found.Err()
}

func literal(v randexpr.Value, kind record.Kind) string {
	switch {
	case v.Nil && kind == record.Boolean:
		return "NULL::boolean"
	case v.Nil:
		return "NULL::numeric"
	case kind == record.Boolean:
		return fmt.Sprint(v.Bool)
	}
	return "'" + v.Num.FloatString(8) + "'::numeric"
}

// askTieout evaluates the expression over the rows.
func askTieout(t *testing.T, text string, rows []randexpr.Row) []string {
	t.Helper()
	b := new(record.Batch)
	b.Reset(record.MustShape(exprFields...), len(rows))
	for n, row := range rows {
		for i := range b.Columns {
			setRandom(t, &b.Columns[i], n, row[exprFields[i].Name])
		}
	}
	var report document.Report
	p := expression.Compile(document.ExprAt(text, document.Position{}), &expression.Env{Shape: b.Shape}, "", &report)
	if p == nil {
		t.Fatalf("%s: %v", text, report.Diagnostics())
	}
	var c record.Column
	p.Evaluator().Eval(b, &c, func(row int32, f expression.Failure) { t.Errorf("%s over %v: %s", text, rows[row], f.Message) })
	out := make([]string, len(rows))
	field := p.Field()
	field.Scale = record.NoScale
	for n := range rows {
		out[n] = "nil"
		if c.Presence[n] == record.Value {
			out[n] = string(record.AppendValue(nil, &field, &c, n))
		}
	}
	return out
}

func setRandom(t *testing.T, c *record.Column, row int, v randexpr.Value) {
	t.Helper()
	switch {
	case v.Nil:
		c.SetNil(row)
	case c.Kind == record.Boolean:
		c.SetBool(row, v.Bool)
	case c.Kind == record.Integer:
		c.SetInt(row, v.Num.Num().Int64())
	default:
		d, err := decimal.Parse(v.Num.FloatString(8))
		if err != nil {
			t.Fatal(err)
		}
		c.SetDecimal(row, d)
	}
}

func sameAnswer(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
