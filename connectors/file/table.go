package file

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// table is one input with named columns: a CSV file, or a sheet.
type table struct {
	input  input
	sheet  string   // "" in a CSV file
	header []string // a name for each cell of a record
	// repeated lists names the header has several times, with where; such
	// columns go by their numbers.
	repeated map[string]string
	// unnamed marks cells the header has no name for: they are read only when
	// they are asked for by number.
	unnamed []bool
	// loose compares names without regard to case, line ends and how many
	// blanks there are, as people who type headers into cells need it.
	loose bool
}

// name is how messages call it.
func (t *table) name() string {
	if t.sheet == "" {
		return t.input.name()
	}
	return t.input.name() + " sheet " + t.sheet
}

// cellOf gives the cell a column is read from, -1 for none.
func (t *table) cellOf(c *column) int {
	for _, name := range c.names {
		if i := t.find(name); i >= 0 {
			return i
		}
	}
	return -1
}

func (t *table) find(name string) int {
	if i := slices.Index(t.header, name); i >= 0 || !t.loose {
		return i
	}
	name = folded(name)
	return slices.IndexFunc(t.header, func(h string) bool { return folded(h) == name })
}

// folded is a name without what differs when two people type it.
func folded(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// column is one column of a shape: where its cells come from and how they are
// read.
type column struct {
	names    []string           // header names, first that exists wins
	caster   *connectors.Caster // nil for text
	kind     record.Kind
	optional bool
}

// layout is the shape of several tables read as one.
type layout struct {
	columns []column
	shape   *record.Shape
}

// lay lays the shape out: the declared fields first, in their order, then the
// other columns of all tables as text under their own names. wanted leaves
// those out that nobody asked for, nil keeps all.
func lay(read connectors.Read, tables []table, mark byte, wanted []string) (layout, error) {
	var l layout
	var fields []record.Field
	taken := make(map[string]bool)
	for i := range read.Fields {
		spec := &read.Fields[i]
		c, err := connectors.NewCaster(*spec, mark, read.Zone)
		if err != nil {
			return l, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		if spec.Kind.Nested() {
			return l, fmt.Errorf("%w: field %q: %s has no lists or records", connectors.ErrConfig, spec.Name, tables[0].name())
		}
		col := column{names: spec.Columns, caster: c, kind: spec.Kind, optional: spec.Optional}
		if len(col.names) == 0 {
			col.names = []string{spec.Name}
		}
		if spec.Kind == record.Text {
			col.caster = nil
		}
		if err := require(&col, spec.Name, tables); err != nil {
			return l, err
		}
		for _, t := range tables {
			if k := t.cellOf(&col); k >= 0 {
				taken[t.header[k]] = true
			}
		}
		l.columns, fields = append(l.columns, col), append(fields, c.Field())
		taken[spec.Name] = true
	}
	for _, t := range tables {
		for k, name := range t.header {
			if taken[name] || t.unnamed != nil && t.unnamed[k] || wanted != nil && !slices.Contains(wanted, name) {
				continue
			}
			taken[name] = true
			l.columns = append(l.columns, column{names: []string{name}, kind: record.Text})
			fields = append(fields, record.NewField(name, record.Text))
		}
	}
	var err error
	l.shape, err = record.NewShape(fields...)
	return l, err
}

// require fails when a table lacks a declared column that is not optional: a
// column of NULLs is never made up.
func require(c *column, name string, tables []table) error {
	for i := range tables {
		t := &tables[i]
		if t.cellOf(c) >= 0 {
			continue
		}
		for _, n := range c.names {
			if where := t.repeated[folded(n)]; where != "" {
				return fmt.Errorf("%w: %s names the column %q several times: %s; say which by its number, as in column: %s", connectors.ErrConfig,
					t.name(), n, where, strings.Fields(where)[0])
			}
		}
		if !c.optional {
			return &connectors.MissingColumnError{Input: t.name(), Field: name, Columns: c.names, Known: t.known()}
		}
	}
	return nil
}

// known lists the names of a header for a message.
func (t *table) known() []string {
	var names []string
	for k, name := range t.header {
		if t.unnamed == nil || !t.unnamed[k] {
			names = append(names, name)
		}
	}
	return names
}
