package file

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// dialect is how CSV files are written.
type dialect struct {
	delimiter, comment, mark byte
	encoding                 string
	header                   bool
	nulls                    []string
}

// isNull reports whether a cell stands for no value.
func (d *dialect) isNull(text []byte) bool {
	if len(text) == 0 {
		return true
	}
	for _, n := range d.nulls {
		if string(text) == n {
			return true
		}
	}
	return false
}

func dialectOf(o *CSV, stream string) (dialect, error) {
	d := dialect{delimiter: ',', mark: '.', encoding: o.Encoding, header: o.Header == nil || *o.Header}
	switch v := o.Delimiter.Value; {
	case v == "" && strings.EqualFold(path.Ext(stream), ".tsv"), v == "tab", v == "\\t", v == "\t":
		d.delimiter = '\t'
	case v == "":
	case len(v) == 1 && v != "\"" && v != "\n" && v != "\r":
		d.delimiter = v[0]
	default:
		return d, fmt.Errorf("%w: csv delimiter %q is not one ASCII character", connectors.ErrConfig, v)
	}
	if v := o.Comment.Value; len(v) > 1 {
		return d, fmt.Errorf("%w: csv comment %q is not one ASCII character", connectors.ErrConfig, v)
	} else if v != "" {
		d.comment = v[0]
	}
	if o.DecimalMark == "comma" {
		d.mark = ','
	}
	for _, n := range o.Nulls {
		d.nulls = append(d.nulls, n.Value)
	}
	return d, nil
}

// column is one column of the shape: where its cells come from and how they
// are read.
type column struct {
	names    []string           // header names, first that exists wins
	caster   *connectors.Caster // nil for text
	optional bool
}

// csvFile is one file of a stream with its header.
type csvFile struct {
	name   string
	header []string
}

func (f *csvFile) cellOf(c *column) int {
	for _, name := range c.names {
		if i := slices.Index(f.header, name); i >= 0 {
			return i
		}
	}
	return -1
}

func (s *source) openCSV(root *os.Root, names []string, read connectors.Read) (*csvReader, error) {
	d, err := dialectOf(&s.options.CSV, read.Stream)
	if err != nil {
		return nil, err
	}
	r := &csvReader{dialect: d, limits: s.env.Limits, root: root}
	for _, name := range names {
		header, err := r.headerOf(name)
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, csvFile{name: name, header: header})
	}
	if err := r.plan(read); err != nil {
		return nil, err
	}
	return r, nil
}

// headerOf reads the names of a file's columns.
func (r *csvReader) headerOf(name string) ([]string, error) {
	f, err := r.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	defer f.Close()
	r.files, r.current = append(r.files, csvFile{name: name}), len(r.files)
	defer func() { r.files, r.current = r.files[:len(r.files)-1], 0 }()
	r.in, r.rest, r.ended = decoded(f, r.dialect.encoding), nil, false
	scan := scanner{delimiter: r.dialect.delimiter, comment: r.dialect.comment, limit: r.limits.RecordBytes}
	header, _, _, err := readHeader(r, &scan)
	r.in, r.rest = nil, nil
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", connectors.ErrConfig, name, err)
	}
	return header, nil
}

// readHeader reads the first record, leaves what follows it in r.rest, and
// tells how many bytes and lines it took. Without a header line it names the
// cells and leaves the record where it is.
func readHeader(r *csvReader, scan *scanner) (names []string, size int, lines int64, err error) {
	var b record.Batch
	buf, err := r.chunk(&b)
	if err != nil {
		return nil, 0, 0, err
	}
	for {
		what, n := scan.scan(buf, size, r.ended)
		if what == short && !r.ended {
			r.rest = append(r.rest[:0], buf...)
			r.adapt(0, 0, len(buf))
			if buf, err = r.chunk(&b); err != nil {
				return nil, 0, 0, err
			}
			continue
		}
		if what == short {
			return nil, 0, 0, fmt.Errorf("the file is empty; its first line must name the columns")
		}
		lines += int64(strings.Count(string(buf[size:size+n]), "\n"))
		size += n
		if what == found {
			break
		}
	}
	if scan.fault != "" {
		return nil, 0, 0, fmt.Errorf("the header line is not sound: %s", scan.fault)
	}
	for k, span := range scan.fields {
		name := fmt.Sprintf("column_%d", k+1)
		if r.dialect.header {
			name = string(buf[span.Off : span.Off+span.Len])
		}
		names = append(names, name)
	}
	r.rest = append(r.rest[:0], buf[size:]...)
	return names, size, lines, checkHeader(names, r.limits.FieldCount)
}

func checkHeader(names []string, most int) error {
	if len(names) > most {
		return fmt.Errorf("the header names %d columns; at most %d are read", len(names), most)
	}
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if !utf8.ValidString(name) {
			return fmt.Errorf("the header is not valid UTF-8; name the file's encoding under csv")
		}
		if strings.IndexByte(name, 0) >= 0 {
			return fmt.Errorf("the header holds NUL characters, as UTF-16 does when it is read as UTF-8; name the file's encoding under csv")
		}
		if name != "" && seen[name] {
			return fmt.Errorf("the header names column %q twice", name)
		}
		if name == "" {
			names[i] = fmt.Sprintf("column_%d", i+1)
		}
		seen[name] = true
	}
	return nil
}

func equalNames(a, b []string) bool { return slices.Equal(a, b) }

// plan lays the shape out: the declared fields first, in their order, then
// the other columns of all files as text under their own names.
func (r *csvReader) plan(read connectors.Read) error {
	var fields []record.Field
	taken := make(map[string]bool)
	for i := range read.Fields {
		spec := &read.Fields[i]
		c, err := connectors.NewCaster(*spec, r.dialect.mark, read.Zone)
		if err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		col := column{names: spec.Columns, caster: c, optional: spec.Optional}
		if len(col.names) == 0 {
			col.names = []string{spec.Name}
		}
		if spec.Kind == record.Text {
			col.caster = nil
		}
		if err := r.require(&col, spec.Name); err != nil {
			return err
		}
		for _, f := range r.files {
			if k := f.cellOf(&col); k >= 0 {
				taken[f.header[k]] = true
			}
		}
		r.columns, fields = append(r.columns, col), append(fields, c.Field())
		taken[spec.Name] = true
	}
	for _, f := range r.files {
		for _, name := range f.header {
			if !taken[name] {
				taken[name] = true
				r.columns = append(r.columns, column{names: []string{name}})
				fields = append(fields, record.NewField(name, record.Text))
			}
		}
	}
	var err error
	r.shape, err = record.NewShape(fields...)
	return err
}

// require fails when a file lacks a declared column that is not optional: a
// column of NULLs is never made up.
func (r *csvReader) require(c *column, name string) error {
	if c.optional {
		return nil
	}
	for i := range r.files {
		if r.files[i].cellOf(c) < 0 {
			return &connectors.MissingColumnError{Input: r.files[i].name, Field: name, Columns: c.names, Known: r.files[i].header}
		}
	}
	return nil
}
