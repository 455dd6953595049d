package file

import (
	"fmt"
	"io"
	"math/big"

	"github.com/parquet-go/parquet-go"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Decimals are written with 38 digits, which is what other programs take at
// most. One whose field declares no scale is written with 18 digits after the
// point, and a value with more is refused.
const (
	parquetDigits = 38
	parquetScale  = 18
	parquetBytes  = 16
	groupRows     = 64 << 10 // rows kept in memory until they are written
)

// parquetTable writes batches as a Parquet file.
type parquetTable struct {
	out     *parquet.GenericWriter[any]
	shape   *record.Shape
	limit   *big.Int
	columns [][]parquet.Value // of one row
	row     parquet.Row
	fixed   []byte // room for the decimals of one row
	text    []byte // and for its texts
}

func newParquetTable(w io.Writer, shape *record.Shape) (*parquetTable, error) {
	config, err := parquet.NewWriterConfig(parquet.NewSchema("records", ordered(shape)), parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(groupRows), parquet.CreatedBy("tieout", "1", ""))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(parquetDigits), nil)
	t := &parquetTable{out: parquet.NewGenericWriter[any](w, config), shape: shape, limit: limit}
	t.columns = make([][]parquet.Value, len(t.out.Schema().Columns()))
	return t, nil
}

// orderedGroup is a group whose fields keep their order.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

// Fields are the fields in the order of the shape.
func (g orderedGroup) Fields() []parquet.Field { return g.fields }

// ordered makes the schema of a shape; every field may be without a value.
func ordered(shape *record.Shape) parquet.Node {
	g := orderedGroup{Group: make(parquet.Group)}
	for i := range shape.Fields {
		f := &shape.Fields[i]
		node := parquet.Optional(parquetType(f))
		g.Group[f.Name] = node
		one := parquet.Group{f.Name: node} // the library makes the field
		g.fields = append(g.fields, one.Fields()...)
	}
	return g
}

// parquetType is how a field is stored.
func parquetType(f *record.Field) parquet.Node {
	switch f.Kind {
	case record.Integer:
		return parquet.Int(64)
	case record.Decimal:
		return parquet.Decimal(int(scaleOf(f)), parquetDigits, parquet.FixedLenByteArrayType(parquetBytes))
	case record.Boolean:
		return parquet.Leaf(parquet.BooleanType)
	case record.Date:
		return parquet.Date()
	case record.Timestamp:
		return parquet.Timestamp(parquet.Microsecond)
	case record.List:
		if f.Child == nil {
			return parquet.JSON()
		}
		return parquet.List(ordered(f.Child))
	case record.Record:
		if f.Child == nil {
			return parquet.JSON()
		}
		return ordered(f.Child)
	}
	return parquet.String() // months too, for which there is no type
}

func scaleOf(f *record.Field) int32 {
	if f.Scale == record.NoScale {
		return parquetScale
	}
	return f.Scale
}

// write adds a row; an error says which value cannot be stored, and the row is
// left out then.
func (t *parquetTable) write(b *record.Batch, row int) error {
	for i := range t.columns {
		t.columns[i] = t.columns[i][:0]
	}
	t.fixed, t.text = t.fixed[:0], t.text[:0]
	if _, err := t.fields(t.shape, b, row, level{}); err != nil {
		return err
	}
	t.row = t.row[:0]
	for _, values := range t.columns {
		t.row = append(t.row, values...)
	}
	_, err := t.out.WriteRows([]parquet.Row{t.row})
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	return nil
}

// Close writes what is left and the end of the file.
func (t *parquetTable) Close() error { return t.out.Close() }

// unfit is a value that the file cannot hold.
type unfit struct{ field, why string }

// Error names the field.
func (e *unfit) Error() string {
	return fmt.Sprintf("%s: field %q: %s", document.CodeSinkDigitsLost, e.field, e.why)
}

// level is where a value stands: from which column on, the repetition level of
// what comes first there, the lists around it, and the definition level of the
// record it is in.
type level struct{ column, rep, depth, def int }

// fields adds the values of a record's fields and gives the column behind
// them.
func (t *parquetTable) fields(shape *record.Shape, b *record.Batch, row int, at level) (int, error) {
	var err error
	for i := range b.Columns {
		f, c := &shape.Fields[i], &b.Columns[i]
		inside := at
		inside.def++
		switch {
		case f.Kind.Nested() && f.Child != nil && c.Presence[row] != record.Value:
			at.column = t.nothing(f, at)
		case f.Kind == record.Record && f.Child != nil:
			at.column, err = t.fields(f.Child, c.Child, row, inside)
		case f.Kind == record.List && f.Child != nil:
			at.column, err = t.list(f, c, row, inside)
		default:
			v := parquet.NullValue().Level(at.rep, at.def, at.column)
			if c.Presence[row] == record.Value {
				v, err = t.value(f, c, row)
				v = v.Level(at.rep, inside.def, at.column)
			}
			t.columns[at.column] = append(t.columns[at.column], v)
			at.column++
		}
		if err != nil {
			return at.column, err
		}
	}
	return at.column, nil
}

// nothing adds one null to every column below a field without a value.
func (t *parquetTable) nothing(f *record.Field, at level) int {
	if !f.Kind.Nested() || f.Child == nil {
		t.columns[at.column] = append(t.columns[at.column], parquet.NullValue().Level(at.rep, at.def, at.column))
		return at.column + 1
	}
	for i := range f.Child.Fields {
		at.column = t.nothing(&f.Child.Fields[i], at)
	}
	return at.column
}

func (t *parquetTable) list(f *record.Field, c *record.Column, row int, at level) (int, error) {
	from, to := c.ListRange(row)
	if from == to {
		return t.nothing(f, at), nil
	}
	end, depth := at.column, at.depth+1
	at.depth = depth
	at.def++
	for k := from; k < to; k++ {
		if k > from {
			at.rep = depth
		}
		var err error
		if end, err = t.fields(f.Child, c.Child, int(k), at); err != nil {
			return end, err
		}
	}
	return end, nil
}

// value makes the stored value of a field that is there.
func (t *parquetTable) value(f *record.Field, c *record.Column, row int) (parquet.Value, error) {
	switch f.Kind {
	case record.Integer, record.Timestamp:
		return parquet.Int64Value(c.Ints[row]), nil
	case record.Date:
		return parquet.Int32Value(int32(c.Ints[row])), nil
	case record.Boolean:
		return parquet.BooleanValue(c.Ints[row] != 0), nil
	case record.Decimal:
		return t.decimal(f, c, row)
	case record.Text, record.Unknown, record.List, record.Record:
		return parquet.ByteArrayValue(c.Text(row)), nil
	}
	from := len(t.text)
	t.text = record.AppendValue(t.text, f, c, row)
	return parquet.ByteArrayValue(t.text[from:]), nil
}

func (t *parquetTable) decimal(f *record.Field, c *record.Column, row int) (parquet.Value, error) {
	d, ok := c.Decimal(row).Rescale(scaleOf(f))
	if !ok {
		return parquet.Value{}, &unfit{f.Name, fmt.Sprintf("%s has more than %d digits after the point; round it in a step", c.Decimal(row), scaleOf(f))}
	}
	n := d.Big()
	if n.CmpAbs(t.limit) >= 0 {
		return parquet.Value{}, &unfit{f.Name, fmt.Sprintf("%s has more than %d digits", c.Decimal(row), parquetDigits)}
	}
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 8*parquetBytes))
	}
	from := len(t.fixed)
	t.fixed = append(t.fixed, make([]byte, parquetBytes)...)
	return parquet.FixedLenByteArrayValue(n.FillBytes(t.fixed[from:])), nil
}
