package sql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// cell receives one column of a result, row by row, straight into a batch. It
// is a database/sql Scanner, so that the driver's value arrives uncopied.
type cell struct {
	column *sourceColumn
	caster *connectors.Caster
	kind   record.Kind
	index  int // of the field in the shape
	limit  int

	into    *record.Column
	row     int
	err     error // why the value of this row is bad
	scratch []byte
}

// newCell makes the cell of a column under a declaration; c is nil for an
// optional field that is not there.
func newCell(c *sourceColumn, spec connectors.FieldSpec, zone *time.Location, limits connectors.Limits) (cell, record.Field, error) {
	none := record.Field{}
	if spec.Kind == record.Unknown {
		spec.Kind = record.Text
	}
	if len(spec.Fields) > 0 {
		return cell{}, none, configError("field %q: a column of a database is read as one piece; leave out its fields", spec.Name)
	}
	if c != nil && c.field.Kind == record.Decimal && spec.Kind == record.Decimal && spec.Scale == record.NoScale && !spec.MinorUnits {
		spec.Scale = c.field.Scale
	}
	if c != nil && c.local && spec.Kind == record.Timestamp && zone == nil {
		return cell{}, none, configError("column %q is a timestamp without time zone; set `timezone:` on the connection, to say where its clock stands", c.name)
	}
	if c != nil && c.zoned {
		zone = time.UTC
	}
	caster, err := connectors.NewCaster(spec, '.', zone)
	if err != nil {
		return cell{}, none, configError("%w", err)
	}
	f := caster.Field()
	f.Inexact = c != nil && c.field.Inexact && f.Kind == record.Decimal
	limit := limits.RecordBytes
	if limit == 0 {
		limit = connectors.DefaultLimits().RecordBytes
	}
	return cell{column: c, caster: caster, kind: f.Kind, limit: limit}, f, nil
}

// Scan takes the driver's value.
func (c *cell) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		c.into.SetNil(c.row)
	case []byte:
		c.text(v)
	case string:
		c.string(v)
	case int64:
		if c.kind == record.Integer {
			c.into.SetInt(c.row, v)
			return nil
		}
		c.scratch = strconv.AppendInt(c.scratch[:0], v, 10)
		c.text(c.scratch)
	case bool:
		if c.kind == record.Boolean {
			c.into.SetBool(c.row, v)
			return nil
		}
		c.scratch = strconv.AppendBool(c.scratch[:0], v)
		c.text(c.scratch)
	default:
		c.scratch = appendOther(c.scratch[:0], v, c.column.single)
		c.text(c.scratch)
	}
	return nil
}

func (c *cell) string(v string) {
	if c.kind == record.Text && len(v) <= c.limit && utf8.ValidString(v) {
		c.into.SetString(c.row, v)
		return
	}
	c.scratch = append(c.scratch[:0], v...)
	c.text(c.scratch)
}

var (
	errTooLong = errors.New("is longer than a record may be")
	errNotUTF8 = errors.New("is not UTF-8")
	errNotJSON = errors.New("is not JSON")
	errNarrow  = errors.New("has more digits than SQLite keeps exactly in a column of this type; keep amounts as TEXT")
)

func (c *cell) text(v []byte) {
	switch {
	case len(v) > c.limit:
		c.refuse(errTooLong)
	case c.kind == record.Text && !utf8.Valid(v):
		c.refuse(errNotUTF8)
	case c.kind == record.Text:
		c.into.SetText(c.row, v)
	case c.kind.Nested():
		if !json.Valid(v) {
			c.refuse(errNotJSON)
			return
		}
		c.into.SetText(c.row, v)
	case c.column.padded && bytes.IndexByte(v, '.') >= 0:
		c.cast(bytes.TrimSuffix(bytes.TrimRight(v, "0"), []byte{'.'}))
	case c.column.narrow && digits(v) > 15:
		c.refuse(errNarrow)
	case c.column.stamp && bytes.HasSuffix(v, []byte("+00")):
		c.scratch = append(append(c.scratch[:0], v[:len(v)-3]...), 'Z')
		c.cast(c.scratch)
	default:
		c.cast(v)
	}
}

func (c *cell) cast(v []byte) {
	if _, err := c.caster.Cast(c.into, c.row, v); err != nil {
		c.err = err
	}
}

func (c *cell) refuse(why error) {
	c.into.SetNil(c.row)
	c.err = fmt.Errorf("field %q: the value %w", c.caster.Field().Name, why)
}

// digits counts the significant digits of a number with a point or an
// exponent; whole numbers are exact at any length and count as none.
func digits(v []byte) int {
	if !bytes.ContainsAny(v, ".eE") {
		return 0
	}
	n, zeros := 0, 0
	for _, ch := range v {
		switch {
		case ch == 'e' || ch == 'E':
			return n
		case ch == '0' && n == 0:
		case ch == '0':
			zeros++
		case ch >= '1' && ch <= '9':
			n, zeros = n+zeros+1, 0
		}
	}
	return n
}
