package file

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// sheetTable is one sheet of a stream with its header.
type sheetTable struct {
	sheetPart
	input  input
	row    int64 // of the header
	values []string
}

// openSheets opens the sheets of all workbooks as one read.
func (s *source) openSheets(f *disk, inputs []input, pick *picker, read connectors.Read) (*sheetReader, error) {
	r := &sheetReader{disk: f, pick: pick, limits: s.env.Limits}
	for _, in := range inputs {
		if err := r.addBook(in, s.options.Sheet); err != nil {
			r.closeBook()
			return nil, err
		}
	}
	var err error
	if r.layout, err = lay(read, r.tables, '.', read.Wanted); err != nil {
		r.closeBook()
		return nil, err
	}
	for _, spec := range read.Fields {
		spec.Pattern = ""
		iso, err := connectors.NewCaster(spec, '.', read.Zone)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		r.iso = append(r.iso, iso)
	}
	return r, nil
}

// addBook adds the sheets of one workbook that are to be read.
func (r *sheetReader) addBook(in input, said []document.Text) error {
	if err := r.openBook(in); err != nil {
		return err
	}
	list, err := r.book.choose(said)
	if err != nil {
		return err
	}
	for _, one := range list {
		t, err := r.header(one)
		if err != nil {
			return fmt.Errorf("%w: %s sheet %q: %w", errHeader, in.name(), one.name, err)
		}
		t.input, t.sheet = in, one.name
		if k := t.find(r.pick.levelBy); r.pick.level != noLevels && r.pick.level != byOutline && k < 0 {
			return &connectors.MissingColumnError{Input: t.name(), Field: "rows.leaf", Columns: []string{r.pick.levelBy}, Known: t.known()}
		}
		r.tables = append(r.tables, *t)
		r.parts = append(r.parts, sheetTable{sheetPart: one.sheetPart, input: in, row: r.row.number, values: one.values})
	}
	return nil
}

// openBook opens a workbook, unless it is the one that is open.
func (r *sheetReader) openBook(in input) error {
	if r.book != nil && r.book.name == in.name() {
		return nil
	}
	r.closeBook()
	b, err := openBook(r.disk, in)
	r.book = b
	return err
}

func (r *sheetReader) closeBook() {
	if r.sheet != nil {
		r.sheet.Close()
		r.sheet = nil
	}
	if r.book != nil {
		r.book.Close()
		r.book = nil
	}
}

// header finds the header of a sheet; it stands in r.row then.
func (r *sheetReader) header(one chosen) (*table, error) {
	s, err := r.book.openSheet(one.sheetPart)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for {
		more, err := s.next(&r.row)
		if err != nil {
			return nil, err
		}
		if !more && r.pick.row == 0 && len(r.pick.contains) == 0 {
			return nil, fmt.Errorf("it is empty; its first row must name the columns")
		}
		if !more || r.row.number > maxHeaderRow {
			return nil, r.pick.lost()
		}
		names := r.names()
		if slices.ContainsFunc(names, func(n string) bool { return n != "" }) && r.pick.isHeader(r.row.number, names) {
			return tableOf(names, r.limits.FieldCount)
		}
	}
}

// names reads the cells of a row as names of columns.
func (r *sheetReader) names() []string {
	names := make([]string, len(r.row.cells))
	for i := range r.row.cells {
		c := &r.row.cells[i]
		if c.holds == nothing || c.holds == anError || c.holds == noResult {
			continue
		}
		if text, err := r.value(c, record.Text); err == nil {
			names[i] = oneLine(string(text))
		}
	}
	return names
}

// oneLine is a header without outer blanks and line ends.
func oneLine(name string) string {
	name = strings.ReplaceAll(name, "\r\n", " ")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' || r == '\v' || r == '\u00a0' {
			return ' '
		}
		return r
	}, name))
}

// tableOf makes a table of a header. A column without a name, or with one
// that several have, goes by its number.
func tableOf(names []string, most int) (*table, error) {
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	if len(names) > most {
		return nil, fmt.Errorf("its header names %d columns; at most %d are read", len(names), most)
	}
	count := make(map[string]int, len(names))
	for _, name := range names {
		count[name]++
	}
	t := &table{header: names, unnamed: make([]bool, len(names)), repeated: make(map[string]string), loose: true}
	for i, name := range names {
		numbered := fmt.Sprintf("column_%d", i+1)
		switch {
		case name == "":
			t.unnamed[i], names[i] = true, numbered
		case count[name] > 1:
			if t.repeated[folded(name)] != "" {
				t.repeated[folded(name)] += " and "
			}
			t.repeated[folded(name)] += numbered
			names[i] = numbered
		}
	}
	return t, nil
}
