package service

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// anyWorld is what an expression may see, as far as it is known before a
// service has answered.
func anyWorld() *record.Shape {
	open := func(name string) record.Field {
		f := record.NewField(name, record.Record)
		f.Child = record.MustShape()
		f.Child.Open = true
		return f
	}
	of := func(name string, fields ...record.Field) record.Field {
		f := record.NewField(name, record.Record)
		f.Child = record.MustShape(fields...)
		return f
	}
	plain := record.NewField
	return record.MustShape(open("config"),
		of("cursor", plain("from", record.Unknown), plain("to", record.Unknown)),
		of("page", plain("number", record.Integer), plain("offset", record.Integer), plain("size", record.Integer),
			plain("count", record.Integer), plain("token", record.Text)),
		of("reply", plain("status", record.Integer), open("headers"), open("body")))
}

var replyPath = regexp.MustCompile(`\breply((?:\.[A-Za-z_]\w*|\["[^"\\]*"\])+)`)
var pathStep = regexp.MustCompile(`\.([A-Za-z_]\w*)|\["([^"\\]*)"\]`)

// pathsIn lists the paths below reply that an expression looks at.
func pathsIn(text string) [][]string {
	var paths [][]string
	for _, m := range replyPath.FindAllStringSubmatch(text, -1) {
		var path []string
		for _, step := range pathStep.FindAllStringSubmatch(m[1], -1) {
			path = append(path, step[1]+step[2])
		}
		paths = append(paths, path)
	}
	return paths
}

// branch is one name an expression sees: a value, or names below it.
type branch struct {
	name string
	kids []*branch
	kind record.Kind
	has  bool
	text string
	num  int64
	dec  decimal.Decimal
}

func (b *branch) kid(name string) *branch {
	for _, k := range b.kids {
		if k.name == name {
			return k
		}
	}
	k := &branch{name: name, kind: record.Text}
	b.kids = append(b.kids, k)
	return k
}

func (b *branch) at(path ...string) *branch {
	for _, name := range path {
		b = b.kid(name)
	}
	return b
}

// none makes the branch a value that is not there. Its kind stays what it was,
// so that an expression over it still fits.
func (b *branch) none() { b.has = false }

func (b *branch) setText(s string) { b.kind, b.has, b.text = record.Text, true, s }

func (b *branch) setNum(kind record.Kind, v int64) { b.kind, b.has, b.num = kind, true, v }

// setJSON gives the branch a value of a reply. Objects and lists can be seen
// to be there and no more.
func (b *branch) setJSON(raw []byte) error {
	switch text := string(raw); jx.DecodeBytes(raw).Next() {
	case jx.Null:
		b.none()
	case jx.Bool:
		b.setNum(record.Boolean, 0)
		if text == "true" {
			b.num = 1
		}
	case jx.String:
		s, err := jx.DecodeBytes(raw).Str()
		b.setText(s)
		return err
	case jx.Number:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			b.setNum(record.Integer, v)
			return nil
		}
		d, err := decimal.Parse(text)
		b.kind, b.has, b.dec = record.Decimal, true, d
		return err
	default:
		b.kind, b.has = record.Record, true
	}
	return nil
}

// field is the branch as an expression's shape has it.
func (b *branch) field() record.Field {
	f := record.NewField(b.name, b.kind)
	if len(b.kids) > 0 {
		f.Kind, f.Child = record.Record, b.shape()
	}
	return f
}

func (b *branch) shape() *record.Shape {
	fields := make([]record.Field, len(b.kids))
	for i, k := range b.kids {
		fields[i] = k.field()
	}
	return record.MustShape(fields...)
}

// fill writes the values below the branch into the one row of a batch.
func (b *branch) fill(to *record.Batch) {
	for i, k := range b.kids {
		c := &to.Columns[i]
		switch {
		case len(k.kids) > 0:
			c.Presence[0] = record.Value
			k.fill(c.Child)
		case !k.has:
			c.SetNil(0)
		case k.kind == record.Text:
			c.SetString(0, k.text)
		case k.kind == record.Decimal:
			c.SetDecimal(0, k.dec)
		case k.kind == record.Record:
			c.SetString(0, "{}")
		default:
			c.SetInt(0, k.num)
		}
	}
}

// world is what the expressions of one read see. It belongs to one reader.
type world struct {
	root     branch
	shape    *record.Shape
	batch    record.Batch
	programs map[*formula]*expression.Evaluator
	fields   map[*formula]record.Field
	fresh    bool // the batch holds what root holds
}

// settle brings the batch up to date.
func (w *world) settle() {
	if w.fresh {
		return
	}
	if shape := w.root.shape(); w.shape == nil || !shape.Equal(w.shape) {
		w.shape = shape
		w.programs, w.fields = make(map[*formula]*expression.Evaluator), make(map[*formula]record.Field)
	}
	w.batch.Reset(w.shape, 1)
	w.root.fill(&w.batch)
	w.fresh = true
}

// change gives the branch at a path, to be given another value.
func (w *world) change(path ...string) *branch {
	w.fresh = false
	return w.root.at(path...)
}

// answer is the value of an expression.
type answer struct {
	kind record.Kind
	text string
	has  bool
}

// eval computes an expression. Errors name its place and show no value: values
// may be secret.
func (w *world) eval(f *formula) (answer, error) {
	w.settle()
	run := w.programs[f]
	if run == nil {
		var r document.Report
		p := expression.Compile(f.Expr, &expression.Env{Shape: w.shape}, f.Path(), &r)
		if p == nil {
			return answer{}, r.Err()
		}
		if !p.Evaluable() {
			return answer{}, fmt.Errorf("%s: the expression looks at something that is not there", f.Position(0))
		}
		run = p.Evaluator()
		w.programs[f], w.fields[f] = run, p.Field()
	}
	var c record.Column
	var failed error
	run.Eval(&w.batch, &c, func(_ int32, why expression.Failure) {
		failed = fmt.Errorf("%s: %s: the expression has no result", f.Position(0), why.Code)
	})
	field := w.fields[f]
	if failed != nil || c.Presence[0] != record.Value {
		return answer{kind: field.Kind}, failed
	}
	return answer{kind: field.Kind, has: true, text: string(record.AppendValue(nil, &field, &c, 0))}, nil
}

// text is a value as a header or parameter has it; has is false when it is
// left out.
func (w *world) text(v *Value) (text string, has bool, err error) {
	switch v.kind {
	case referring:
		return v.secret.Reveal(), true, nil
	case computed:
		a, err := w.eval(&v.expr)
		return a.text, a.has, err
	}
	return v.text, v.kind != absent, nil
}

// appendJSON writes a value as JSON; has is false when it is left out.
func (w *world) appendJSON(dst []byte, v *Value) (out []byte, has bool, err error) {
	switch v.kind {
	case mapping, sequence:
		out, err = w.appendItems(dst, v)
		return out, true, err
	case literal:
		return append(dst, v.text...), true, nil
	case computed:
		a, err := w.eval(&v.expr)
		if err != nil || !a.has {
			return dst, false, err
		}
		switch a.kind {
		case record.Integer, record.Decimal, record.Boolean:
			return append(dst, a.text...), true, nil
		}
		return record.AppendJSONString(dst, []byte(a.text)), true, nil
	}
	text, has, err := w.text(v)
	return record.AppendJSONString(dst, []byte(text)), has, err
}

func (w *world) appendItems(dst []byte, v *Value) ([]byte, error) {
	ends := "{}"
	if v.kind == sequence {
		ends = "[]"
	}
	dst = append(dst, ends[0])
	some := false
	for i, one := range v.items {
		at := len(dst)
		if some {
			dst = append(dst, ',')
		}
		if v.kind == mapping {
			dst = append(record.AppendJSONString(dst, []byte(v.names[i])), ':')
		}
		out, has, err := w.appendJSON(dst, one)
		if err != nil {
			return dst, err
		}
		if dst = out; !has {
			dst = dst[:at]
			continue
		}
		some = true
	}
	return append(dst, ends[1]), nil
}

// below finds the value at a path of a JSON object.
func below(raw []byte, path []string) []byte {
	for _, name := range path {
		d := jx.DecodeBytes(raw)
		if d.Next() != jx.Object {
			return nil
		}
		var found []byte
		err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			if found != nil || string(key) != name {
				return d.Skip()
			}
			value, err := d.Raw()
			found = value
			return err
		})
		if raw = found; err != nil || found == nil {
			return nil
		}
	}
	return raw
}

// dotted is a path as it is written.
func dotted(path []string) string { return strings.Join(path, ".") }
