package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// flavor is what a source needs to know of a database.
type flavor interface {
	// snapshot connects and begins a transaction in which all statements see
	// one moment.
	snapshot(ctx context.Context) (*session, error)
	// table writes the name of a stream as SQL.
	table(stream string) (string, error)
	// skip is the length of what a text of a query begins with when that is
	// no place for parameters: strings, quoted names, comments.
	skip(text string) int
	// kind tells what a column holds and how to select it.
	kind(ct *stdsql.ColumnType) sourceColumn
	// bound freezes the cursor and plans the selects of a read.
	bound(ctx context.Context, s *session, q *query, c *connectors.Cursor) (*bounds, error)
	// streams lists the tables.
	streams(ctx context.Context, s *session) ([]string, error)
}

// sourceColumn is one column of a table or query.
type sourceColumn struct {
	name   string
	quoted string
	field  record.Field
	// selected is the column as an expression whose text the caster reads.
	selected string
	// base is the database's name of the type.
	base string
	// stamp says that the text is a time in UTC that ends in +00; local that
	// it is a time without a zone; narrow that numbers of more than 15 digits
	// have been through a binary float.
	stamp, local, narrow bool
	// zoned says that the text is a time in UTC without saying so; single that
	// a binary float has 32 bits; padded that zeros at the end of a fraction
	// are the type's and not the value's.
	zoned, single, padded bool
}

// source reads tables or one query.
type source struct {
	flavor flavor
	query  string
	limits connectors.Limits
}

// query is one read: where from, which columns, into which fields.
type query struct {
	input   string // for messages
	from    func(lower, upper string) string
	params  bool // from takes bounds
	columns []sourceColumn
	shape   *record.Shape
	cells   []cell
	cursor  *sourceColumn
	key     record.Kind // kind of the cursor's field
	read    connectors.Read
}

// Open begins the snapshot, fixes the cursor's upper bound in it, and starts
// to read.
func (r *source) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	s, err := r.flavor.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	reader, err := r.open(ctx, s, read)
	if err != nil {
		s.close()
		return nil, interrupted(ctx, err)
	}
	return reader, nil
}

func (r *source) open(ctx context.Context, s *session, read connectors.Read) (*reader, error) {
	q, err := r.plan(ctx, s, read)
	if err != nil {
		return nil, err
	}
	b := new(bounds)
	if read.Cursor != nil {
		if b, err = r.flavor.bound(ctx, s, q, read.Cursor); err != nil {
			return nil, err
		}
	}
	return newReader(s, q, b), nil
}

// plan describes the stream and lays out the shape.
func (r *source) plan(ctx context.Context, s *session, read connectors.Read) (*query, error) {
	q := &query{input: read.Stream, read: read}
	if r.query != "" {
		q.input = "query"
		p := parseQuery(r.query, r.flavor.skip)
		if p.params && read.Cursor == nil {
			return nil, configError("the query names :cursor or :upper and the source has no cursor; add `cursor: {field: ...}`")
		}
		q.params, q.from = p.params, p.subselect
	} else {
		table, err := r.flavor.table(read.Stream)
		if err != nil {
			return nil, err
		}
		q.from = func(string, string) string { return table }
	}
	if err := r.describe(ctx, s, q); err != nil {
		return nil, err
	}
	return q, q.layout(r.limits)
}

// describe asks the database for the columns.
func (r *source) describe(ctx context.Context, s *session, q *query) error {
	rows, err := s.conn.QueryxContext(ctx, "SELECT "+s.words.top+"* FROM "+q.from("NULL", "NULL")+s.words.limit)
	if err != nil {
		return q.missing(s, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return s.wrap(err, "read the columns of %s", q.input)
	}
	seen := make(map[string]bool, len(types))
	for _, ct := range types {
		c := r.flavor.kind(ct)
		if seen[c.name] {
			return configError("%s has two columns named %q; name them apart", q.input, c.name)
		}
		seen[c.name] = true
		if c.quoted, err = s.words.quote(c.name); err != nil {
			return err
		}
		c.selected = strings.ReplaceAll(c.selected, "{c}", c.quoted)
		q.columns = append(q.columns, c)
	}
	return s.wrap(rows.Err(), "read the columns of %s", q.input)
}

// missing tells a stream or query that is wrong from a database that fails.
func (q *query) missing(s *session, err error) error {
	if s.classify(err) == faultOther {
		return configError("%s cannot be read: %s", q.input, s.clean(err.Error()))
	}
	return s.wrap(err, "read the columns of %s", q.input)
}

// layout makes the shape: the declared fields in their order, then the other
// columns under their own names; only wanted ones.
func (q *query) layout(limits connectors.Limits) error {
	taken := make(map[string]bool)
	var fields []record.Field
	for i := range q.read.Fields {
		spec := q.read.Fields[i]
		c, err := q.find(&spec)
		if err != nil {
			return err
		}
		if c != nil {
			taken[c.name] = true
		}
		taken[spec.Name] = true
		if !q.wanted(spec.Name) {
			continue
		}
		made, f, err := newCell(c, spec, q.read.Zone, limits)
		if err != nil {
			return err
		}
		made.index = len(fields)
		fields = append(fields, f)
		if c != nil {
			q.cells = append(q.cells, made)
		}
	}
	for i := range q.columns {
		c := &q.columns[i]
		if taken[c.name] || !q.wanted(c.name) {
			continue
		}
		made, f, err := newCell(c, connectors.FieldSpec{Name: c.name, Kind: c.field.Kind, Scale: c.field.Scale}, q.read.Zone, limits)
		if err != nil {
			return err
		}
		made.index = len(fields)
		fields = append(fields, f)
		q.cells = append(q.cells, made)
	}
	if len(q.cells) == 0 {
		return configError("%s has none of the fields that are read", q.input)
	}
	var err error
	if q.shape, err = record.NewShape(fields...); err != nil {
		return configError("%s: %w", q.input, err)
	}
	return q.findCursor()
}

// find is the column of a declared field: nil when it is optional and not
// there.
func (q *query) find(spec *connectors.FieldSpec) (*sourceColumn, error) {
	names := spec.Columns
	if len(names) == 0 {
		names = []string{spec.Name}
	}
	for _, name := range names {
		for i := range q.columns {
			if q.columns[i].name == name {
				return &q.columns[i], nil
			}
		}
	}
	if spec.Optional {
		return nil, nil
	}
	known := make([]string, len(q.columns))
	for i := range q.columns {
		known[i] = q.columns[i].name
	}
	return nil, &connectors.MissingColumnError{Input: q.input, Field: spec.Name, Columns: names, Known: known}
}

// wanted reports whether a field is read. The cursor and the key always are.
func (q *query) wanted(name string) bool {
	return q.read.Wanted == nil || slices.Contains(q.read.Wanted, name) || slices.Contains(q.read.Key, name) ||
		q.read.Cursor != nil && q.read.Cursor.Field == name
}

// findCursor finds the column behind the cursor field.
func (q *query) findCursor() error {
	if q.read.Cursor == nil {
		return nil
	}
	at := q.shape.Index(q.read.Cursor.Field)
	for i := range q.cells {
		if q.cells[i].index == at && at >= 0 {
			q.cursor, q.key = q.cells[i].column, q.cells[i].kind
			return nil
		}
	}
	return fmt.Errorf("%w: %s: %s has no column for the cursor field %q", connectors.ErrConfig, document.CodeSourceCursor, q.input, q.read.Cursor.Field)
}

// Fields describes a stream without reading records.
func (r *source) Fields(ctx context.Context, read connectors.Read) (*record.Shape, error) {
	s, err := r.flavor.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	q, err := r.plan(ctx, s, read)
	if err != nil {
		return nil, err
	}
	return q.shape, nil
}

// Check connects.
func (r *source) Check(ctx context.Context) error {
	s, err := r.flavor.snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	return s.exec(ctx, "check the connection", "SELECT 1")
}

// Streams lists the tables and views.
func (r *source) Streams(ctx context.Context) ([]string, error) {
	s, err := r.flavor.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return r.flavor.streams(ctx, s)
}
