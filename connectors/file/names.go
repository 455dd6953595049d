package file

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// template is text with parts in braces that stand for values, as in
// "{job} Takeoff.xlsx".
type template struct {
	fields []string
	texts  []string // before, between and behind the fields
}

func newTemplate(text string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(text, "{")
		t.texts = append(t.texts, before)
		if !found {
			return t, nil
		}
		name, behind, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "" || strings.ContainsAny(name, "{ "):
			return t, fmt.Errorf("%w: %q has a { that begins no field; write it like \"{job} Takeoff.xlsx\"", connectors.ErrConfig, text)
		case slices.Contains(t.fields, name):
			return t, fmt.Errorf("%w: the field {%s} stands twice", connectors.ErrConfig, name)
		case before == "" && len(t.fields) > 0:
			return t, fmt.Errorf("%w: nothing stands between {%s} and {%s}, so that nobody can tell where one ends", connectors.ErrConfig, t.fields[len(t.fields)-1], name)
		}
		t.fields = append(t.fields, name)
		text = behind
	}
}

// match gives the values of a text that fits. Each value is as short as it
// can be, the last one takes the rest; none is empty.
func (t *template) match(text string) ([]string, bool) {
	rest, ok := strings.CutPrefix(text, t.texts[0])
	if !ok || len(t.fields) == 0 {
		return nil, ok && rest == ""
	}
	var values []string
	for i := range t.fields {
		behind := t.texts[i+1]
		last := i == len(t.fields)-1
		n := len(rest) - len(behind)
		switch {
		case last && !strings.HasSuffix(rest, behind):
			return nil, false
		case !last && rest == "":
			return nil, false
		case !last:
			if n = strings.Index(rest[1:], behind) + 1; n == 0 {
				return nil, false
			}
		}
		if n < 1 {
			return nil, false
		}
		values = append(values, rest[:n])
		rest = rest[n+len(behind):]
	}
	return values, true
}

// names are the fields that the names of files give.
type names struct {
	fields []string
	sheet  []string            // those of fields that the names of sheets give
	values map[string][]string // by the name of an input, or of a sheet there
}

func newNames(o *SourceOptions, inputs []input) (*names, error) {
	n := &names{values: make(map[string][]string)}
	for _, sheet := range o.Sheet {
		t, err := newTemplate(sheet.Value)
		if err != nil {
			return nil, fmt.Errorf("sheet: %w", err)
		}
		if len(t.fields) > 0 && len(o.Sheet) > 1 {
			return nil, fmt.Errorf("%w: a sheet with {%s} stands alone; the other sheets have no %s", connectors.ErrConfig, t.fields[0], t.fields[0])
		}
		n.sheet = t.fields
	}
	if err := n.ofFiles(o.Name.Value, inputs); err != nil {
		return nil, err
	}
	for _, field := range n.sheet {
		if slices.Contains(n.fields, field) {
			return nil, fmt.Errorf("%w: {%s} stands in name and in sheet", connectors.ErrConfig, field)
		}
	}
	n.fields = append(n.fields, n.sheet...)
	return n, nil
}

// ofSheets adds what the names of sheets say.
func (n *names) ofSheets(r *sheetReader) {
	if len(n.sheet) == 0 {
		return
	}
	for i := range r.parts {
		files := n.values[r.parts[i].input.name()]
		n.values[r.tables[i].name()] = append(slices.Clip(files), r.parts[i].values...)
	}
}

// ofFiles takes the names of files apart.
func (n *names) ofFiles(pattern string, inputs []input) error {
	if pattern == "" {
		return nil
	}
	t, err := newTemplate(pattern)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	n.fields = t.fields
	for _, in := range inputs {
		base := path.Base(in.name())
		values, ok := t.match(base)
		if !ok {
			values, ok = t.match(plain(base))
		}
		if !ok && in.member != "" {
			values, ok = t.match(path.Base(in.file))
		}
		if !ok {
			return fmt.Errorf("%w: the file %s is not called %q", connectors.ErrConfig, in.name(), pattern)
		}
		n.values[in.name()] = values
	}
	return nil
}

// without is a read that leaves the named fields to names.
func (n *names) without(read connectors.Read) connectors.Read {
	if len(n.fields) == 0 {
		return read
	}
	read.Fields = slices.DeleteFunc(slices.Clone(read.Fields), func(f connectors.FieldSpec) bool { return slices.Contains(n.fields, f.Name) })
	return read
}

// around adds the fields to every record of a reader.
func (n *names) around(in connectors.Reader, read connectors.Read) (connectors.Reader, error) {
	r := &namedReader{Reader: in, names: n, read: read}
	fields := slices.Clone(in.Shape().Fields)
	for _, name := range n.fields {
		spec := connectors.FieldSpec{Name: name, Kind: record.Text, Scale: record.NoScale}
		if i := slices.IndexFunc(read.Fields, func(f connectors.FieldSpec) bool { return f.Name == name }); i >= 0 {
			spec = read.Fields[i]
		}
		c, err := connectors.NewCaster(spec, '.', read.Zone)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		if in.Shape().Index(name) >= 0 {
			return nil, fmt.Errorf("%w: the field %q comes from the file's name and is in the file too; call one of them otherwise", connectors.ErrConfig, name)
		}
		r.casters, fields = append(r.casters, c), append(fields, c.Field())
	}
	var err error
	if r.shape, err = record.NewShape(fields...); err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	return r, r.check()
}

// namedReader adds what the name of a file says to its records.
type namedReader struct {
	connectors.Reader
	names   *names
	read    connectors.Read
	casters []*connectors.Caster
	shape   *record.Shape
}

// check makes sure that every name gives values of the declared types.
func (r *namedReader) check() error {
	var c record.Column
	for input, values := range r.names.values {
		if len(values) < len(r.casters) {
			continue // a workbook, whose sheets have more
		}
		for i, caster := range r.casters {
			c.Reset(caster.Field().Kind, 1)
			if _, err := caster.Cast(&c, 0, []byte(values[i])); err != nil {
				return fmt.Errorf("%w: the name of %s: %w", connectors.ErrConfig, input, err)
			}
		}
	}
	return nil
}

// Shape is that of the reader, and the fields of the name.
func (r *namedReader) Shape() *record.Shape { return r.shape }

// Notes are those of the reader.
func (r *namedReader) Notes() []string { return notesOf(r.Reader) }

// Next adds the fields to the reader's next batch.
func (r *namedReader) Next(ctx context.Context, b *record.Batch) error {
	if err := r.Reader.Next(ctx, b); err != nil {
		return err
	}
	values := r.valuesOf(b.Origin.Input)
	own := len(b.Columns)
	b.Shape = r.shape
	for i, caster := range r.casters {
		if own+i < cap(b.Columns) {
			b.Columns = b.Columns[:own+i+1]
		} else {
			b.Columns = append(b.Columns, record.Column{})
		}
		c := &b.Columns[own+i]
		c.Reset(caster.Field().Kind, b.Rows)
		if _, err := caster.Cast(c, 0, []byte(values[i])); err != nil {
			return err
		}
		repeat(c, b.Rows)
	}
	for i := range b.Held {
		b.Held[i].Record = r.withNames(b.Held[i].Record, values)
	}
	return nil
}

// repeat gives every row the value of the first.
func repeat(c *record.Column, rows int) {
	for i := 1; i < rows; i++ {
		c.Presence[i] = c.Presence[0]
		switch c.Kind {
		case record.Text:
			c.Spans[i] = c.Spans[0]
		default:
			c.Ints[i] = c.Ints[0]
		}
	}
}

// valuesOf finds the values of an input; that of a sheet begins with the name
// of its file.
func (r *namedReader) valuesOf(input string) []string {
	if values := r.names.values[input]; values != nil {
		return values
	}
	longest := ""
	for name := range r.names.values {
		if strings.HasPrefix(input, name) && len(name) > len(longest) {
			longest = name
		}
	}
	return r.names.values[longest]
}

// withNames adds the values to a held record.
func (r *namedReader) withNames(held []byte, values []string) []byte {
	if len(held) == 0 || held[0] != '{' {
		return held
	}
	out := []byte{'{'}
	for i, name := range r.names.fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(record.AppendJSONString(out, []byte(name)), ':')
		out = record.AppendJSONString(out, []byte(values[i]))
	}
	if string(held) != "{}" {
		out = append(out, ',')
	}
	return append(out, held[1:]...)
}
