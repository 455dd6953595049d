package pipelines

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// ForEach makes one pipeline of each row of a table: settings read a column as
// ${each:column}, expressions as NAME.column.
type ForEach struct {
	In   document.Text `yaml:"in" required:"true" doc:"File of the project with one row for each pipeline." example:"mappings/companies.csv"`
	As   document.Text `yaml:"as" required:"true" doc:"What expressions call the row: company.currency." example:"company"`
	Name document.Text `yaml:"name" doc:"Column whose value is added to the pipeline's name; the first column when not given." example:"code"`
}

// Row is the row of a for_each table that a pipeline stands for. The zero Row
// is that of a pipeline without for_each.
type Row struct {
	Name   string // the value that tells it from the other rows
	fields []string
	values []string
	empty  []bool
}

// get gives the value of a column, "" and true for an empty cell. A nil row
// has no columns.
func (r *Row) get(column string) (string, bool) {
	if r == nil {
		return "", false
	}
	if i := slices.Index(r.fields, column); i >= 0 {
		return r.values[i], true
	}
	return "", false
}

// constants are the row as expressions see it.
func (r *Row) constants(as string) []expression.Constant {
	var out []expression.Constant
	for i, name := range r.fields {
		c := expression.TextConstant(as+"."+name, r.values[i])
		if r.empty[i] {
			c = expression.NilTextConstant(as + "." + name)
		}
		out = append(out, c)
	}
	return out
}

// maxEach bounds the pipelines one file can make.
const maxEach = 10_000

var (
	rowName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	eachNamed = regexp.MustCompile(`\$\{each:([^}:]*)`)
)

// readRows reads the table of a pipeline's for_each, before the pipeline is
// checked: its rows become pipelines afterwards.
func (w *Workspace) readRows(p *Pipeline, r *document.Report) {
	each := p.ForEach
	if each == nil || each.In.IsZero() || each.As.IsZero() || w.cache == nil {
		return
	}
	checkName(each.As, "row", varName, r)
	if slices.Contains([]string{"run", "var", "record"}, each.As.Value) {
		r.ErrorAt(each.As, document.CodeWrongType, "Call it after what a row is, such as company.", "%q already means something in expressions", each.As.Value)
	}
	b, err := w.cache.Rows(each.In.Value)
	if err != nil {
		r.ErrorAt(each.In, document.CodeStepLookupFile, "Name a CSV file of the project with one row for each pipeline.", "for_each: %v", err)
		return
	}
	if b.Rows == 0 || b.Rows > maxEach {
		r.ErrorAt(each.In, document.CodeStepLookupFile, "", "for_each: %s has %d rows; from 1 to %d become pipelines", each.In.Value, b.Rows, maxEach)
		return
	}
	if p.rows = rowsOf(b); len(p.rows[0].fields) == 0 {
		r.ErrorAt(each.In, document.CodeStepLookupFile, "", "for_each: %s has no columns", each.In.Value)
		p.rows = nil
		return
	}
	w.nameRows(p, r)
	w.checkEach(p, p.Root, r)
}

// rowsOf takes the columns of a table that hold single values.
func rowsOf(b *record.Batch) []Row {
	rows := make([]Row, b.Rows)
	for i := range b.Columns {
		c := &b.Columns[i]
		if c.Kind != record.Text && c.Kind != record.Unknown {
			continue
		}
		for row := range rows {
			one := &rows[row]
			value, there := "", c.Presence[row] == record.Value
			if there {
				value = string(c.Text(row))
			}
			one.fields = append(one.fields, b.Shape.Fields[i].Name)
			one.values, one.empty = append(one.values, value), append(one.empty, !there)
		}
	}
	return rows
}

// nameRows gives each row the name that tells it from the others.
func (w *Workspace) nameRows(p *Pipeline, r *document.Report) {
	column := p.ForEach.Name
	if column.IsZero() {
		column = document.TextAt(p.rows[0].fields[0], p.ForEach.In.Position(0))
	}
	seen := make(map[string]int)
	for i := range p.rows {
		row := &p.rows[i]
		name, ok := row.get(column.Value)
		if !ok {
			s := document.Suggest(column.Value, row.fields)
			d := document.DiagnosticAt(column, document.CodeStepMissingField, s.Hint, "for_each: %s has no column %q", p.ForEach.In.Value, column.Value)
			d.Fix = s.Fix
			r.Add(d)
			return
		}
		row.Name = strings.TrimSpace(name)
		switch first, twice := seen[row.Name]; {
		case !rowName.MatchString(row.Name):
			r.ErrorAt(column, document.CodeWrongType, "Name a column of short codes with name:, in letters, digits, - and _.",
				"for_each: row %d of %s has %q in column %q, which cannot be part of a pipeline's name", i+1, p.ForEach.In.Value, row.Name, column.Value)
		case twice:
			r.ErrorAt(column, document.CodeDuplicateKey, "Name a column that differs in each row with name:.",
				"for_each: rows %d and %d of %s both have %q in column %q", first, i+1, p.ForEach.In.Value, row.Name, column.Value)
		}
		seen[row.Name] = i + 1
	}
}

// checkEach reports references to columns that the table lacks.
func (w *Workspace) checkEach(p *Pipeline, n *document.Node, r *document.Report) {
	if n.Kind() == document.Scalar {
		for _, m := range eachNamed.FindAllStringSubmatchIndex(n.Text(), -1) {
			name := n.Scalar().Slice(m[2], m[3])
			if _, ok := p.rows[0].get(name.Value); !ok {
				s := document.Suggest(name.Value, p.rows[0].fields)
				d := document.DiagnosticAt(name, document.CodeReferenceMissing, s.Hint, "%s has no column %q", p.ForEach.In.Value, name.Value)
				d.Fix = s.Fix
				r.Add(d)
			}
		}
	}
	for _, kid := range n.Children() {
		w.checkEach(p, kid, r)
	}
}

// spread gives one pipeline for each row of the file's table, or the pipeline
// itself when it has none. They share everything but the row.
func (p *Pipeline) spread() []*Pipeline {
	if len(p.rows) == 0 {
		return []*Pipeline{p}
	}
	out := make([]*Pipeline, len(p.rows))
	for i := range p.rows {
		one := *p
		one.Each = &p.rows[i]
		out[i] = &one
	}
	return out
}

// eachTable is where a for_each pipeline has its rows from, "" for another.
func (p *Pipeline) eachTable() string {
	if p.ForEach == nil {
		return ""
	}
	return p.ForEach.In.Value
}

// awaited is a pipeline that another waits for, and where that is written.
type awaited struct {
	name string
	at   document.Text
}

// expandAfter puts the pipelines of a for_each file where `after` names the
// file's pipeline: of the same row when both go over one table, else all.
func (w *Workspace) expandAfter() {
	var files map[string][]*Pipeline
	for _, p := range w.Pipelines {
		if p.Each != nil {
			if files == nil {
				files = make(map[string][]*Pipeline)
			}
			files[p.Pipeline.Value] = append(files[p.Pipeline.Value], p)
		}
	}
	for _, p := range w.Pipelines {
		if p.Schedule == nil {
			continue
		}
		for _, at := range p.Schedule.After {
			several := files[at.Value]
			if len(several) == 0 {
				p.after = append(p.after, awaited{at.Value, at})
			}
			for _, other := range several {
				if p.Each == nil || p.eachTable() != other.eachTable() || p.Each.Name == other.Each.Name {
					p.after = append(p.after, awaited{other.Name(), at})
				}
			}
		}
	}
}

// notOne words that a name stands for several pipelines.
func notOne(name string, list []*Pipeline) error {
	const shown = 5
	var names []string
	for _, p := range list[:min(shown, len(list))] {
		names = append(names, p.Name())
	}
	if len(list) > shown {
		names = append(names, fmt.Sprintf("and %d more", len(list)-shown))
	}
	return fmt.Errorf("%q is %d pipelines, one for each row of %s; name one of them: %s", name, len(list), list[0].eachTable(), strings.Join(names, ", "))
}
