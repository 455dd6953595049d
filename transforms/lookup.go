package transforms

import (
	"fmt"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Lookup adds fields from a table: a mapping file or another stream, read
// once per run.
type Lookup struct {
	In        document.Text               `yaml:"in" required:"true" doc:"Mapping file of the project, or connection.stream." example:"mappings/gl_accounts.csv"`
	Match     document.Map[document.Text] `yaml:"match" required:"true" doc:"Field of the record: column of the table; all must be equal." example:"{gl_account: account}"`
	Add       document.Map[document.Text] `yaml:"add" required:"true" doc:"New field: column of the table." example:"{item: qbo_item}"`
	Missing   string                      `yaml:"missing" enum:"quarantine,nil,abort" default:"quarantine" doc:"What happens to a record that no row matches."`
	Many      string                      `yaml:"many" enum:"quarantine,list" default:"quarantine" doc:"What happens when several rows match: hold the record, or add lists of the rows under the names in add."`
	Effective *Effective                  `yaml:"effective" doc:"Choose the row that was in force on a date."`

	link *Link // what the lookup is made of, nil for a lookup as written
}

// Effective chooses among the matching rows by date.
type Effective struct {
	On   document.Text `yaml:"on" required:"true" doc:"Date field of the record."`
	From document.Text `yaml:"from" required:"true" doc:"Column with the first day a row is in force."`
	To   document.Text `yaml:"to" doc:"Column with the last day; open when empty or not given."`
}

type lookupPlan struct {
	spec    *Lookup
	shape   *record.Shape
	match   []int // columns of the record
	on      int
	targets []int // column of the output for each added field
	fields  []record.Field
	table   *lookupTable // nil in a static check
}

// Plan checks the fields on both sides and reads the table, when it may.
func (s *Lookup) Plan(in *record.Shape, c *Context) Plan {
	before := c.Report.Errors()
	p := &lookupPlan{spec: s, on: -1}
	for _, e := range s.Match.Entries {
		p.match = append(p.match, requireField(in, e.Key, c))
	}
	if s.Effective != nil {
		p.on = s.requireDate(in, c)
	}
	shape := s.tableShape(c)
	p.shape = in
	for _, e := range s.Add.Entries {
		field := record.NewField(e.Key.Value, record.Text)
		if shape == nil {
			field.Kind = record.Unknown
		} else if i := shape.Index(e.Value.Value); i >= 0 {
			field = shape.Fields[i]
			field.Name = e.Key.Value
		} else {
			c.Report.ErrorAt(e.Value, document.CodeStepMissingField, knownFields(shape, e.Value.Value), "%s has no column %q", s.In.Value, e.Value.Value)
		}
		if s.Many == "list" {
			field = listField(e.Key.Value, e.Value.Value, field)
		}
		index, out := withField(p.shape, field)
		p.targets, p.shape = append(p.targets, index), out
		p.fields = append(p.fields, field)
	}
	s.requireColumns(shape, c)
	if c.Report.Errors() > before {
		return nil
	}
	return s.load(p, c)
}

func listField(name, column string, field record.Field) record.Field {
	field.Name = column
	return record.Field{Name: name, Kind: record.List, Scale: record.NoScale, Child: record.MustShape(field)}
}

func (s *Lookup) requireDate(in *record.Shape, c *Context) int {
	i := requireField(in, s.Effective.On, c)
	if i >= 0 && i < len(in.Fields) {
		if k := in.Fields[i].Kind; k != record.Date && k != record.Unknown {
			c.Report.ErrorAt(s.Effective.On, document.CodeStepType, "declare it as a date under fields, or compute one with local_date or parse_date",
				"%q is %s, not a date", s.Effective.On.Value, k)
		}
	}
	return i
}

func (s *Lookup) tableShape(c *Context) *record.Shape {
	if c.Tables == nil {
		return nil
	}
	shape, err := c.Tables.Shape(s.In.Value)
	if err != nil {
		c.Report.ErrorAt(s.In, document.CodeStepLookupFile, "name a file of the project, or connection.stream", "%s: %v", s.In.Value, err)
	}
	return shape
}

func (s *Lookup) requireColumns(shape *record.Shape, c *Context) {
	if shape == nil {
		return
	}
	for _, e := range s.Match.Entries {
		s.requireColumn(shape, e.Value, c)
	}
	if s.Effective != nil {
		s.requireColumn(shape, s.Effective.From, c)
		if s.Effective.To.Value != "" {
			s.requireColumn(shape, s.Effective.To, c)
		}
	}
}

func (s *Lookup) requireColumn(shape *record.Shape, name document.Text, c *Context) {
	if shape.Index(name.Value) < 0 {
		c.Report.ErrorAt(name, document.CodeStepMissingField, knownFields(shape, name.Value), "%s has no column %q", s.In.Value, name.Value)
	}
}

func (s *Lookup) load(p *lookupPlan, c *Context) Plan {
	if c.Tables == nil || !c.Reading {
		return p
	}
	rows, err := c.Tables.Rows(s.In.Value)
	if err != nil {
		c.Report.ErrorAt(s.In, document.CodeStepLookupFile, "check the table, then run again", "%s: %v", s.In.Value, err)
		return nil
	}
	if p.table, err = indexTable(s, rows); err != nil {
		c.Report.ErrorAt(s.In, document.CodeStepLookupFile, "mend the table, then run again", "%s: %v", s.In.Value, err)
		return nil
	}
	return p
}

func (p *lookupPlan) Shape() *record.Shape { return p.shape }

func (p *lookupPlan) Start() Work {
	return &lookupWork{plan: p, columns: make([]record.Column, len(p.targets)), key: make([]byte, 0, 64)}
}

type lookupWork struct {
	plan    *lookupPlan
	columns []record.Column
	key     []byte
	hits    []int32
}

// MissingError ends a run whose lookup may not miss.
type MissingError struct{ Table, Key string }

// Error names table and key.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s has no row for %s", e.Table, e.Key)
}

func (w *lookupWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	for i := range w.columns {
		w.columns[i].Reset(w.plan.fields[i].Kind, b.Rows)
		if w.plan.fields[i].Kind == record.List {
			w.startList(i)
		}
	}
	next := 0
	for _, row := range b.Live {
		w.padLists(&next, int(row))
		if err := w.row(b, int(row)); err != nil {
			return nil, err
		}
		next = int(row) + 1
	}
	w.padLists(&next, b.Rows)
	for i, target := range w.plan.targets {
		if target == len(b.Columns) {
			b.Columns = append(b.Columns, w.columns[i])
		} else {
			b.Columns[target] = w.columns[i]
		}
	}
	b.Shape = w.plan.shape
	return b, nil
}

func (w *lookupWork) startList(i int) {
	c := &w.columns[i]
	if c.Child == nil {
		c.Child = new(record.Batch)
	}
	c.Child.Reset(w.plan.fields[i].Child, 0)
}

// padLists closes empty lists for the rows that are skipped, since lists are
// written row by row.
func (w *lookupWork) padLists(next *int, row int) {
	if w.plan.spec.Many != "list" {
		return
	}
	for ; *next < row; *next++ {
		for i := range w.columns {
			w.columns[i].EndList(*next, record.Absent)
		}
	}
}

func (w *lookupWork) row(b *record.Batch, row int) error {
	spec := w.plan.spec
	var nilField string
	w.key, nilField = appendKey(w.key[:0], b, w.plan.match, row)
	if nilField == "" {
		w.hits = w.plan.table.find(w.hits[:0], w.key)
		if spec.Effective != nil {
			day := &b.Columns[w.plan.on]
			if day.Presence[row] != record.Value {
				nilField = spec.Effective.On.Value
			} else {
				w.hits = w.plan.table.inForce(w.hits, calendar.Date(day.Ints[row]))
			}
		}
	}
	switch {
	case nilField != "":
		return w.miss(b, row, nilField, fmt.Sprintf("%q has no value to look up in %s", nilField, spec.In.Value))
	case spec.Many == "list":
		w.addList(row)
	case len(w.hits) == 0:
		return w.miss(b, row, "", w.notFound())
	case len(w.hits) > 1:
		w.setNil(row)
		b.Hold(record.Hold{Row: int32(row), Code: string(document.CodeStepLookupMany), Rule: "lookup", Field: spec.Match.Entries[0].Key.Value,
			Message: fmt.Sprintf("%s has %d rows for %s", spec.In.Value, len(w.hits), w.describe())})
	default:
		for i := range w.columns {
			w.plan.table.copyValue(&w.columns[i], row, i, w.hits[0])
		}
	}
	return nil
}

func (w *lookupWork) describe() string {
	var text []byte
	parts := splitKey(w.key)
	for i, e := range w.plan.spec.Match.Entries {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = fmt.Appendf(text, "%s %q", e.Key.Value, parts[i])
	}
	return string(text)
}

func (w *lookupWork) notFound() string {
	if l := w.plan.spec.link; l != nil {
		return l.unlinked(w.key)
	}
	return fmt.Sprintf("%s has no row for %s", w.plan.spec.In.Value, w.describe())
}

func (w *lookupWork) miss(b *record.Batch, row int, field, message string) error {
	w.setNil(row)
	if field == "" {
		field = w.plan.spec.Match.Entries[0].Key.Value
	}
	switch w.plan.spec.Missing {
	case "nil":
		return nil
	case "abort":
		return &MissingError{Table: w.plan.spec.In.Value, Key: w.describe()}
	}
	code, step := document.CodeStepLookupMissing, "lookup"
	if w.plan.spec.link != nil {
		code, step = document.CodeStepLinkMissing, "link"
	}
	b.Hold(record.Hold{Row: int32(row), Code: string(code), Rule: step, Field: field, Message: message})
	return nil
}

func (w *lookupWork) setNil(row int) {
	for i := range w.columns {
		if w.columns[i].Kind == record.List {
			w.columns[i].EndList(row, record.Nil)
		} else {
			w.columns[i].SetNil(row)
		}
	}
}

func (w *lookupWork) addList(row int) {
	for i := range w.columns {
		c := &w.columns[i]
		w.plan.table.appendRows(c.Child, i, w.hits)
		c.EndList(row, record.Value)
	}
}
