package sql

import (
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// rowColumn is the column of a staging table that numbers its rows: the
// batch's Seq and the row in it, so that staging keeps the order of the load
// and a row found there is known by its place.
const rowColumn = "tieout_row"

// rowBits are the bits of a row number that hold the row in its batch.
const rowBits = 20

// plan says which column each field goes to and how a load finds its rows.
type plan struct {
	target string // the table as SQL
	name   string // and for messages
	stage  string // the staging table as SQL, "" when rows go straight in
	found  string // the table of staged rows that the target has, where one is kept
	index  string // the statement that makes row numbers quick to find, if needed
	// analyze is the statement that tells the server what keys are staged, if
	// it does not know by itself.
	analyze string
	// probe and probed surround a look for staged keys in the target: the
	// server, if it does not know by itself, is to take the index, as the merge
	// right after it reads the same pages.
	probe, probed string
	sought        string // the statement that makes staged keys quick to find, if needed
	columns       []column
	keys          []int // columns of the key
	// unique says that the key has a unique index, so that ON CONFLICT works.
	unique bool
	// notices says that the database fails an upsert that meets a key it has
	// just inserted, so that nobody has to look for such keys in an empty table.
	notices bool
	// create holds the statements that make the missing table.
	create []string
	words  *words
	// marks are the columns a load fills by itself, asOf the instant of the
	// load as SQL for them.
	marks []column
	asOf  string
	// scope bounds what a load may take away; present is the table of keys
	// that are not missing, "" for none.
	scope   []scoped
	present string
	zone    *time.Location // of columns without one; nil is UTC
	wide    widening
}

// column is one column of the target.
type column struct {
	name   string
	quoted string
	typ    string // as the database writes it
	// collation is how texts compare, as SQL, where it is not the usual way.
	collation string
	field     record.Field
	index     int // of the field in the shape
	// limited says that a number may have precision digits, scale of them
	// after the point; whole that it may have none there.
	limited          bool
	precision, scale int32
	// text says that the value is stored as text, so that a decimal is
	// written in its one canonical form; uncomparable that the type has no
	// equality of its own; loose that its equality takes different texts for
	// the same.
	text, uncomparable, loose bool
	// affinity is how SQLite stores and compares the column's values.
	affinity string
	// local says that the column keeps the time of a clock, without its zone.
	local bool
	// room is how much of a value fits, where the database would cut it
	// without an error.
	room room
}

// room bounds what MySQL would cut or round without an error.
type room struct {
	chars, bytes int64 // of a text, 0 for any
	// trims says that blanks at the end are lost; required that nil is not
	// refused but becomes something else; fraction are the digits of a second
	// that are kept, when stamps is true.
	trims, required, stamps bool
	fraction                int
	// names are the only values that are kept as they are; nil for any.
	names []string
}

// newPlan starts a plan with a column for each field of the load.
func newPlan(load connectors.Load, target tableName, w *words) (*plan, error) {
	quoted, err := target.quoted(w)
	if err != nil {
		return nil, err
	}
	p := &plan{target: quoted, name: target.String(), words: w, zone: load.Zone, wide: widening{extra: load.Extra, open: load.ExtraAnywhere}}
	for i := range load.Shape.Fields {
		f := load.Shape.Fields[i]
		q, err := w.quote(f.Name)
		if err != nil {
			return nil, err
		}
		if f.Name == rowColumn {
			return nil, configError("a field may not be named %q; rename it", rowColumn)
		}
		p.columns = append(p.columns, column{name: f.Name, quoted: q, field: f, index: i, precision: -1, scale: -1})
	}
	if len(p.columns) == 0 {
		return nil, configError("the load into %q has no fields", p.name)
	}
	if err := p.findMarks(&load); err != nil {
		return nil, err
	}
	return p, p.findKeys(load)
}

func (p *plan) findKeys(load connectors.Load) error {
	if load.Mode == connectors.Append {
		return nil
	}
	if len(load.Key) == 0 && (load.Mode == connectors.Upsert || load.Mode == connectors.History) {
		return codedError(document.CodeSinkMissingKey, "the mode %s needs a key; write `key: [...]` under sink", load.Mode)
	}
	for _, k := range load.Key {
		i := slices.IndexFunc(p.columns, func(c column) bool { return c.name == k })
		if i < 0 {
			return codedError(document.CodeSinkMissingKey, "key %q is not among the fields written to %q: %s", k, p.name, p.columnNames())
		}
		p.keys = append(p.keys, i)
	}
	return nil
}

func (p *plan) columnNames() string {
	names := make([]string, len(p.columns))
	for i := range p.columns {
		names[i] = p.columns[i].name
	}
	return strings.Join(names, ", ")
}

// keyNames lists the columns of the key.
func (p *plan) keyNames() []string {
	names := make([]string, len(p.keys))
	for n, i := range p.keys {
		names[n] = p.columns[i].name
	}
	return names
}

// list writes the quoted columns, each with a prefix.
func (p *plan) list(prefix string) string {
	var b strings.Builder
	for i := range p.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(prefix + p.columns[i].quoted)
	}
	return b.String()
}

// keyList writes the quoted columns of the key.
func (p *plan) keyList() string {
	var b strings.Builder
	for n, i := range p.keys {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.columns[i].quoted)
	}
	return b.String()
}

// exactKeys writes the columns of the key so that only equal bytes are alike.
func (p *plan) exactKeys() string {
	if !p.words.once {
		return p.keyList()
	}
	var parts []string
	for _, i := range p.keys {
		part := p.columns[i].quoted
		if p.columns[i].loose {
			part = mysqlBytes(part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// same writes the condition that a row of the stage, s, has the key of a row
// called b.
func (p *plan) same(b string) string { return p.sameAs("s.", b) }

// sameAs writes the condition that two rows have the same key.
func (p *plan) sameAs(a, b string) string {
	var out strings.Builder
	for n, i := range p.keys {
		if n > 0 {
			out.WriteString(" AND ")
		}
		c := &p.columns[i]
		out.WriteString(p.words.same(c, a+c.quoted, b+c.quoted))
	}
	return out.String()
}

// distinct writes the condition that two rows differ in some column that is
// not of the key; FALSE when there is none.
func (p *plan) distinct(a, b string) string {
	var parts []string
	for i := range p.columns {
		if slices.Contains(p.keys, i) {
			continue
		}
		c := &p.columns[i]
		parts = append(parts, p.words.distinct(c, a+c.quoted, b+c.quoted))
	}
	if len(parts) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// assign writes the SET list of every column that is not of the key.
func (p *plan) assign(to, from string) string {
	var parts []string
	for i := range p.columns {
		if !slices.Contains(p.keys, i) {
			parts = append(parts, to+p.columns[i].quoted+" = "+from+p.columns[i].quoted)
		}
	}
	return strings.Join(parts, ", ")
}

// stale writes the condition that a row of the target, b, differs from a
// staged one: in a value, or because it was closed and is there again.
func (p *plan) stale(b, a string) string {
	differs := p.distinct(b, a)
	if p.closing() {
		return "(" + differs + " OR " + b + p.marks[0].quoted + " IS NOT NULL)"
	}
	return differs
}

// renew writes the SET list that makes a row of the target a staged one.
func (p *plan) renew(to, from string) string {
	set := p.assign(to, from)
	if p.closing() {
		if set != "" {
			set += ", "
		}
		set += to + p.marks[0].quoted + " = NULL"
	}
	return set
}

// staged reports whether rows go through a staging table.
func (p *plan) staged() bool { return p.stage != "" }
