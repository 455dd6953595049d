package service

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"

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
		of("reply", plain("status", record.Integer), plain("text", record.Text), open("headers"), open("body")),
		open("each"), open("parent"), open("record"), open("line"), of("intent", plain("key", record.Text), plain("mark", record.Text)),
		of("link", plain("id", record.Text), plain("version", record.Text)), of("session", plain("token", record.Text)), of("job", plain("id", record.Text)))
}

var replyPath = regexp.MustCompile(`\b(reply|each|parent|cursor)((?:\.[A-Za-z_]\w*|\["[^"\\]*"\])+)`)
var pathStep = regexp.MustCompile(`\.([A-Za-z_]\w*)|\["([^"\\]*)"\]`)

// pathsIn lists the paths below one of the open names that an expression looks
// at.
func pathsIn(text, root string) [][]string {
	var paths [][]string
	for _, m := range replyPath.FindAllStringSubmatch(text, -1) {
		if m[1] != root {
			continue
		}
		var path []string
		for _, step := range pathStep.FindAllStringSubmatch(m[2], -1) {
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
	gone bool   // there is nothing, so nothing below it either
	deep bool   // an object or list
	rows *rowOf // a record of a batch, with kinds of its own
	list *list  // a list of a reply, nil for any other value
	many bool   // an expression takes it for a list
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

// setJSON gives the branch a value of a reply. Lists of objects can be looked
// into; other lists and objects are their text.
func (b *branch) setJSON(raw []byte) error {
	was := b.list
	b.list, b.deep = nil, false
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
	case jx.Array:
		b.setText(text)
		b.list, b.deep = newList(raw, was), true
	default:
		b.setText(text)
		if b.deep = true; b.many {
			b.list = newList(raw, was)
		}
	}
	return nil
}

// listed reports whether expressions may look into the list it is.
func (b *branch) listed() bool { return b.has && b.list != nil && b.list.sheet != nil }

// field is the branch as an expression's shape has it.
func (b *branch) field() record.Field {
	f := record.NewField(b.name, b.kind)
	switch {
	case b.rows != nil:
		f.Kind, f.Child = record.Record, b.rows.batch.Shape
	case len(b.kids) > 0:
		f.Kind, f.Child = record.Record, b.shape()
	case b.listed():
		f.Kind, f.Child = record.List, b.list.sheet.batch.Shape.Fields[0].Child
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
		case k.rows != nil:
			c.Presence[0] = record.Value
			k.rows.copyTo(c.Child)
		case len(k.kids) > 0 && k.gone:
			c.SetNil(0)
		case len(k.kids) > 0:
			c.Presence[0] = record.Value
			k.fill(c.Child)
		case !k.has:
			c.SetNil(0)
		case k.listed():
			record.Gather(c, &k.list.sheet.batch.Columns[0], []int32{0})
		case k.kind == record.Text:
			c.SetString(0, k.text)
		case k.kind == record.Decimal:
			c.SetDecimal(0, k.dec)
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
	zone     *time.Location // nil is UTC
	fresh    bool           // the batch holds what root holds
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
		p, err := w.compile(f)
		if err != nil {
			return answer{}, err
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
	write := record.AppendValue
	if field.Kind.Nested() {
		write = record.AppendValueJSON // documents keep the order of their fields
	}
	return answer{kind: field.Kind, has: true, text: string(write(nil, &field, &c, 0))}, nil
}

// compile makes the program of an expression. What is not there has no kind of
// its own, so it takes the one the expression needs.
func (w *world) compile(f *formula) (*expression.Program, error) {
	var first error
	w.ask(f)
	lacking := w.lacking(f)
	for _, kind := range []record.Kind{record.Unknown, record.Decimal, record.Boolean, record.Timestamp, record.Date, record.Text} {
		for _, b := range lacking {
			if kind != record.Unknown {
				b.kind, w.fresh = kind, false
			}
		}
		w.settle()
		var r document.Report
		p := expression.Compile(f.Expr, &expression.Env{Shape: w.shape, Zone: cmp.Or(w.zone, time.UTC), PlainRecord: true}, f.Path(), &r)
		switch {
		case p != nil && p.Evaluable():
			return p, nil
		case p != nil:
			return nil, fmt.Errorf("%s: the expression looks at something that is not there", f.Position(0))
		case first == nil:
			first = r.Err()
		}
		if len(lacking) == 0 {
			break
		}
	}
	return nil, first
}

// ask makes the lists that an expression looks at have what it asks for.
func (w *world) ask(f *formula) {
	for _, path := range f.lists {
		if b := w.root.at(append([]string{"reply"}, path...)...); !b.many {
			if b.many = true; b.has && b.deep && b.list == nil {
				b.list, w.fresh = newList([]byte(b.text), nil), false
			}
		}
	}
	for _, path := range f.paths {
		b := w.root.at(append([]string{"reply"}, path...)...)
		if b.list != nil && b.list.ask(f.inside) {
			b.list.read()
			w.fresh = false
		}
	}
}

// lacking are the values an expression looks at that are not there.
func (w *world) lacking(f *formula) []*branch {
	var out []*branch
	for root, paths := range map[string][][]string{"reply": f.paths, "each": f.each, "parent": f.parent, "cursor": f.cursor} {
		for _, path := range paths {
			if b := w.root.at(append([]string{root}, path...)...); len(b.kids) == 0 && (!b.has || b.list != nil && b.list.lacks) {
				out = append(out, b)
			}
		}
	}
	return out
}

// holds asks a yes-or-no expression. One about something that is not there
// does not hold.
func (w *world) holds(f *formula) (bool, error) {
	a, err := w.eval(f)
	switch {
	case err != nil && len(w.lacking(f)) > 0:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", errUnlike, err)
	}
	return a.has && a.kind == record.Boolean && a.text == "true", nil
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

// configure tells the world the settings of a connection.
func (w *world) configure(c *Connection) error {
	w.change("config")
	for i, name := range c.Config.names {
		v := c.Config.values[i]
		if v.kind == sequence {
			continue // lists are for each: alone
		}
		text, has, err := w.text(v)
		if err != nil {
			return err
		}
		if has {
			w.change("config", name).setText(text)
		}
	}
	return nil
}
