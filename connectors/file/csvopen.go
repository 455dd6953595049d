package file

import (
	"fmt"
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

func (s *source) openCSV(f *disk, inputs []input, pick *picker, read connectors.Read) (*csvReader, error) {
	d, err := dialectOf(&s.options.CSV, plain(inputs[0].name()))
	if err != nil {
		return nil, err
	}
	if pick.level == byOutline {
		return nil, fmt.Errorf("%w: a CSV file has no outline; tell the level by level, number or indent", connectors.ErrConfig)
	}
	r := &csvReader{dialect: d, limits: s.env.Limits, folder: f, pick: pick}
	for _, in := range inputs {
		header, err := r.headerOf(in)
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, table{input: in, header: header})
	}
	if r.layout, err = lay(read, r.files, d.mark, nil); err != nil {
		return nil, err
	}
	return r, r.planLevels()
}

// headerOf reads the names of a file's columns.
func (r *csvReader) headerOf(in input) ([]string, error) {
	f, err := r.folder.open(in)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r.files, r.current = append(r.files, table{input: in}), len(r.files)
	defer func() { r.files, r.current = r.files[:len(r.files)-1], 0 }()
	r.in, r.rest, r.ended = decoded(f, r.dialect.encoding), nil, false
	scan := scanner{delimiter: r.dialect.delimiter, comment: r.dialect.comment, limit: r.limits.RecordBytes}
	header, _, _, err := readHeader(r, &scan)
	r.in, r.rest = nil, nil
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errHeader, in.name(), err)
	}
	return header, nil
}

// readHeader reads up to the header, leaves what follows it in r.rest, and
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
			return nil, 0, 0, r.noHeader(lines)
		}
		names = nil
		for k, span := range scan.fields {
			name := fmt.Sprintf("column_%d", k+1)
			if r.dialect.header {
				name = string(buf[span.Off : span.Off+span.Len])
			}
			names = append(names, name)
		}
		at := lines + 1
		lines += int64(strings.Count(string(buf[size:size+n]), "\n"))
		size += n
		if what == found && (!r.dialect.header || r.pick.isHeader(at, names)) {
			break
		}
		if at > maxHeaderRow || r.pick.row > 0 && at > r.pick.row {
			return nil, 0, 0, r.pick.lost()
		}
	}
	if scan.fault != "" {
		return nil, 0, 0, fmt.Errorf("the header line is not sound: %s", scan.fault)
	}
	r.rest = append(r.rest[:0], buf[size:]...)
	return names, size, lines, checkHeader(names, r.limits.FieldCount)
}

func (r *csvReader) noHeader(lines int64) error {
	if lines > 0 && (r.pick.row > 0 || len(r.pick.contains) > 0) {
		return r.pick.lost()
	}
	return fmt.Errorf("the file is empty; its first line must name the columns")
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
