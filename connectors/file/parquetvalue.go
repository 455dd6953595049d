package file

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// parquetRow writes the rows of a Parquet file as JSON objects.
type parquetRow struct {
	columns [][]parquet.Value // of the row, what each column still has
}

// set takes a row, whose values stand column by column.
func (r *parquetRow) set(row parquet.Row, columns int) {
	if cap(r.columns) < columns {
		r.columns = make([][]parquet.Value, columns)
	}
	r.columns = r.columns[:columns]
	clear(r.columns)
	for from := 0; from < len(row); {
		to := from + 1
		for to < len(row) && row[to].Column() == row[from].Column() {
			to++
		}
		if at := row[from].Column(); at >= 0 && at < columns {
			r.columns[at] = row[from:to]
		}
		from = to
	}
}

// next is the next value of a column, taken; false when there is none.
func (r *parquetRow) next(column int) (parquet.Value, bool) {
	if len(r.columns[column]) == 0 {
		return parquet.Value{}, false
	}
	v := r.columns[column][0]
	r.columns[column] = r.columns[column][1:]
	return v, true
}

// level is the definition level of the next value of a column.
func (r *parquetRow) level(column int) int {
	if len(r.columns[column]) == 0 {
		return -1
	}
	return r.columns[column][0].DefinitionLevel()
}

// pass takes one value of every column below a field that is not there.
func (r *parquetRow) pass(n *parquetNode) {
	switch {
	case n.kind == record.List:
		r.pass(n.element)
	case n.kind == record.Record:
		for _, c := range n.children {
			r.pass(c)
		}
	default:
		r.next(n.column)
	}
}

// record writes an object of fields.
func (r *parquetRow) record(dst []byte, n *parquetNode) []byte {
	dst = append(dst, '{')
	for i, c := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(record.AppendJSONString(dst, []byte(c.name)), ':')
		dst = r.field(dst, c)
	}
	return append(dst, '}')
}

// field writes what one field holds.
func (r *parquetRow) field(dst []byte, n *parquetNode) []byte {
	switch n.kind {
	case record.List:
		return r.list(dst, n)
	case record.Record:
		if r.level(n.column) < n.def {
			r.pass(n)
			return append(dst, "null"...)
		}
		return r.record(dst, n)
	}
	v, there := r.next(n.column)
	if !there || v.IsNull() || v.DefinitionLevel() < n.def {
		return append(dst, "null"...)
	}
	return r.value(dst, &n.leaf, v)
}

func (r *parquetRow) list(dst []byte, n *parquetNode) []byte {
	switch level := r.level(n.column); {
	case level < n.def:
		r.pass(n)
		return append(dst, "null"...)
	case level < n.filled:
		r.pass(n)
		return append(dst, "[]"...)
	}
	dst = append(dst, '[')
	for first := true; ; first = false {
		left := len(r.columns[n.column])
		if !first {
			if left == 0 || r.columns[n.column][0].RepetitionLevel() < n.rep {
				break
			}
			dst = append(dst, ',')
		}
		dst = r.field(dst, n.element)
		if len(r.columns[n.column]) == left {
			break // nothing was taken
		}
	}
	return append(dst, ']')
}

// value writes one stored value. Numbers are strings, so that they are read
// as texts and never as floats.
func (r *parquetRow) value(dst []byte, leaf *parquetLeaf, v parquet.Value) []byte {
	switch leaf.logical.(type) {
	case *format.DecimalType:
		if leaf.free {
			return quoted(decimalOf(leaf, v).AppendCanonical(append(dst, '"')))
		}
		return quoted(decimalOf(leaf, v).Append(append(dst, '"')))
	case *format.DateType:
		return quoted(record.AppendDate(append(dst, '"'), int64(v.Int32())))
	case *format.TimestampType:
		return quoted(appendStamp(append(dst, '"'), v.Int64(), leaf))
	case *format.TimeType:
		return quoted(appendTime(append(dst, '"'), v, leaf))
	case *format.UUIDType:
		return quoted(appendUUID(append(dst, '"'), v.ByteArray()))
	case *format.Float16Type:
		return record.AppendJSONString(dst, v.AppendBytes(nil))
	}
	switch leaf.kind {
	case parquet.Boolean:
		return strconv.AppendBool(dst, v.Boolean())
	case parquet.Int32:
		if leaf.unsigned {
			return strconv.AppendUint(dst, uint64(v.Uint32()), 10)
		}
		return strconv.AppendInt(dst, int64(v.Int32()), 10)
	case parquet.Int64:
		if leaf.unsigned {
			return strconv.AppendUint(dst, v.Uint64(), 10)
		}
		return strconv.AppendInt(dst, v.Int64(), 10)
	case parquet.Int96:
		return quoted(appendInt96(append(dst, '"'), v.Int96()))
	case parquet.Float, parquet.Double:
		return quoted(appendInexact(append(dst, '"'), v))
	}
	return text8(dst, v.ByteArray())
}

func quoted(dst []byte) []byte { return append(dst, '"') }

// text8 writes a text; bytes that are none are written in hexadecimal.
func text8(dst, b []byte) []byte {
	if !utf8.Valid(b) {
		return quoted(hex.AppendEncode(append(dst, '"'), b))
	}
	return record.AppendJSONString(dst, b)
}

// decimalOf reads a decimal of any physical form: whole numbers of 32 or 64
// bits, or bytes of a two's complement number with the highest first.
func decimalOf(leaf *parquetLeaf, v parquet.Value) decimal.Decimal {
	switch leaf.kind {
	case parquet.Int32:
		return decimal.New(int64(v.Int32()), leaf.scale)
	case parquet.Int64:
		return decimal.New(v.Int64(), leaf.scale)
	}
	b := v.ByteArray()
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return decimal.FromBig(n, leaf.scale)
}

// appendStamp writes an instant, or a local time without a zone, with all the
// digits it has.
func appendStamp(dst []byte, n int64, leaf *parquetLeaf) []byte {
	seconds, rest := n/leaf.unit, n%leaf.unit
	if rest < 0 {
		seconds, rest = seconds-1, rest+leaf.unit
	}
	days, second := seconds/86_400, seconds%86_400
	if second < 0 {
		days, second = days-1, second+86_400
	}
	dst = record.AppendDate(dst, days)
	dst = appendSeconds(append(dst, 'T'), second, rest, leaf.unit)
	if leaf.local {
		return dst
	}
	return append(dst, 'Z')
}

// appendInt96 writes an instant of the kind older programs store: the
// nanoseconds of a day, and the day counted as astronomers do.
func appendInt96(dst []byte, v deprecated.Int96) []byte {
	const epoch = 2_440_588
	nanos := int64(uint64(v[1])<<32 | uint64(v[0]))
	dst = record.AppendDate(dst, int64(v[2])-epoch)
	dst = appendSeconds(append(dst, 'T'), nanos/1e9, nanos%1e9, 1e9)
	return append(dst, 'Z')
}

func appendTime(dst []byte, v parquet.Value, leaf *parquetLeaf) []byte {
	n := v.Int64()
	if leaf.kind == parquet.Int32 {
		n = int64(v.Int32())
	}
	return appendSeconds(dst, n/leaf.unit, n%leaf.unit, leaf.unit)
}

// appendSeconds writes a time of day; rest is in parts of a second.
func appendSeconds(dst []byte, second, rest, unit int64) []byte {
	dst = appendClock(dst, 0, second*1000)
	if rest == 0 {
		return dst
	}
	digits := strconv.FormatInt(unit+rest, 10)[1:]
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return append(append(dst, '.'), digits...)
}

func appendUUID(dst, b []byte) []byte {
	for i, part := range []struct{ from, to int }{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			dst = append(dst, '-')
		}
		if part.to <= len(b) {
			dst = hex.AppendEncode(dst, b[part.from:part.to])
		}
	}
	return dst
}
