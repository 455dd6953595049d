package service

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// rowOf is one record of a batch, as a branch shows it to expressions.
type rowOf struct {
	batch *record.Batch
	row   int32
}

// copyTo makes the one row of a batch a copy of it.
func (r *rowOf) copyTo(to *record.Batch) {
	for i := range to.Columns {
		record.Gather(&to.Columns[i], &r.batch.Columns[i], []int32{r.row})
	}
}

// sheet holds the record that is being sent.
type sheet struct {
	plan  *rows.Plan
	fill  *rows.Filler
	batch record.Batch
}

func newSheet(specs []connectors.FieldSpec, limits connectors.Limits) (*sheet, error) {
	limits.RecordBytes = max(limits.RecordBytes, 64<<20) // it was let in already
	plan, err := rows.NewPlan(connectors.Read{Fields: specs}, nil, limits)
	if err != nil {
		return nil, err
	}
	return &sheet{plan: plan, fill: rows.NewFiller(plan, func(rows.Item) string { return "as it was planned" })}, nil
}

// take reads a record; nil is one without any value.
func (s *sheet) take(raw []byte) error {
	s.batch.Reset(s.plan.Shape(), 1)
	if raw == nil {
		raw = []byte("{}")
	}
	if err := s.fill.Row(&s.batch, 0, rows.Item{Raw: raw}); err != nil {
		return err
	}
	s.batch.SetRows(1)
	if len(s.batch.Held) > 0 {
		return fmt.Errorf("read a planned document: %s", s.batch.Held[0].Message)
	}
	return nil
}

// show tells the world what is sent.
func (w *world) show(d *connectors.Document, mark string, s *sheet) {
	w.change("record").rows = &rowOf{batch: &s.batch}
	w.change("intent", "key").setText(d.IntentKey)
	w.change("intent", "mark").setText(mark)
	for name, text := range map[string]string{"id": d.ID, "version": d.Version} {
		b := w.change("link", name)
		if b.none(); text != "" {
			b.setText(text)
		}
	}
}

var eachPath = regexp.MustCompile(`^\s*(record|line)((?:\.[A-Za-z_]\w*)+)\s*$`)

// eachKey is the member of a mapping that says which list it is made for.
const eachKey = "each"

// repeats reports whether a mapping is made once for each line of a list.
func (v *Value) repeats() *formula {
	if v.kind != mapping || len(v.names) == 0 || v.names[0] != eachKey || v.items[0].kind != computed || !eachPath.MatchString(v.items[0].expr.Value) {
		return nil
	}
	return &v.items[0].expr
}

// line is a mapping without the list it is made for.
func (v *Value) line() *Value {
	return &Value{kind: mapping, names: v.names[1:], items: v.items[1:]}
}

// lines calls fn for each line of a list, with the line in the world.
func (w *world) lines(f *formula, fn func() error) error {
	m := eachPath.FindStringSubmatch(f.Value)
	at := w.root.at(m[1]).rows
	if at == nil {
		return fmt.Errorf("%w: %s: there is no %s here", connectors.ErrConfig, f.Position(0), m[1])
	}
	before := w.root.at("line").rows
	batch, row := at.batch, at.row
	path := strings.Split(m[2], ".")[1:]
	for i, name := range path {
		n := batch.Shape.Index(name)
		if n < 0 || batch.Shape.Fields[n].Child == nil {
			return fmt.Errorf("%w: %s: %q is no list whose fields are known; declare them with their types", connectors.ErrConfig, f.Position(0), name)
		}
		c := &batch.Columns[n]
		if c.Kind == record.Record && i < len(path)-1 {
			batch = c.Child
			continue
		}
		if c.Kind != record.List || i < len(path)-1 {
			return fmt.Errorf("%w: %s: %q is no list", connectors.ErrConfig, f.Position(0), name)
		}
		if c.Presence[row] != record.Value {
			return nil
		}
		from, to := c.ListRange(int(row))
		for k := from; k < to; k++ {
			w.change("line").rows = &rowOf{batch: c.Child, row: k}
			if err := fn(); err != nil {
				return err
			}
		}
	}
	w.change("line").rows = before
	return nil
}

// appendLines writes a list of JSON with one object for each line.
func (w *world) appendLines(dst []byte, v *Value) ([]byte, error) {
	line, some := v.line(), false
	dst = append(dst, '[')
	err := w.lines(v.repeats(), func() (err error) {
		if some {
			dst = append(dst, ',')
		}
		some = true
		dst, _, err = w.appendJSON(dst, line)
		return err
	})
	return append(dst, ']'), err
}

// checkLines reports lists that are not those of a record, and a list made of
// anything but lines.
func (v *Value) checkLines(n *document.Node, d *document.Decoder) {
	for i, name := range v.names {
		if one := v.items[i]; name == eachKey && one.kind == computed && !eachPath.MatchString(one.expr.Value) && writeNames.MatchString(one.expr.Value) {
			d.Report.ErrorAt(one.expr, document.CodeWrongShape, "Write each: =record.lines, and make the list in a step.", "each names a list of the record and computes nothing")
		} else if name == eachKey && i > 0 && one.kind == computed && eachPath.MatchString(one.expr.Value) {
			d.Report.ErrorAt(n.Keys()[i], document.CodeWrongShape, "Write each as the first key.", "each stands before the members of a line")
		}
	}
	for i, one := range v.items {
		if i < len(n.Children()) {
			one.checkLines(n.Children()[i], d)
		}
	}
}
