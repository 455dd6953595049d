package file

import (
	"context"
	"fmt"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/record"
)

// source reads the files of one folder.
type source struct {
	env     connectors.Env
	conn    *Connection
	options SourceOptions
}

func newSource(env connectors.Env, c *Connection, o *SourceOptions) (connectors.Source, error) {
	return &source{env: env, conn: c, options: *o}, nil
}

// Open opens the files a stream names, all as one read.
func (s *source) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	folder, err := s.conn.open(ctx, s.env)
	if err != nil {
		return nil, err
	}
	f := newDisk(ctx, folder)
	reader, err := s.open(f, read)
	if err != nil {
		f.Close()
		return nil, err
	}
	return reader, nil
}

func (s *source) open(f *disk, read connectors.Read) (connectors.Reader, error) {
	inputs, err := f.match(read.Stream)
	if err != nil {
		return nil, err
	}
	if s.env.Spool != "" {
		if err := f.fetch(inputs, s.env.Spool); err != nil {
			return nil, err
		}
	}
	format, err := formatOfAll(s.options.Format, inputs)
	if err != nil {
		return nil, err
	}
	named, err := newNames(&s.options, inputs)
	if err != nil {
		return nil, err
	}
	pick, err := newPicker(&s.options)
	if err != nil {
		return nil, err
	}
	reader, err := s.openFormat(f, format, inputs, pick, named.without(read))
	if err != nil {
		return nil, err
	}
	if sheets, ok := reader.(*sheetReader); ok {
		named.ofSheets(sheets)
	} else if len(s.options.Sheet) > 0 {
		return nil, fmt.Errorf("%w: sheet belongs to workbooks; %s is %s", connectors.ErrConfig, read.Stream, format)
	}
	if pick.level != noLevels {
		reader = newLeaves(reader.(leveled), pick)
	}
	if len(named.fields) == 0 {
		return reader, nil
	}
	return named.around(reader, read)
}

func (s *source) openFormat(f *disk, format string, inputs []input, pick *picker, read connectors.Read) (connectors.Reader, error) {
	if format != "csv" && format != "xlsx" && (s.options.Header != nil || s.options.Rows != nil) {
		return nil, fmt.Errorf("%w: header and rows belong to sheets and CSV files; %s is %s", connectors.ErrConfig, read.Stream, format)
	}
	switch format {
	case "csv":
		return s.openCSV(f, inputs, pick, read)
	case "xlsx":
		return s.openSheets(f, inputs, pick, read)
	case "parquet":
		return s.openParquet(f, inputs, read)
	}
	return s.openRecords(f, inputs, format, read)
}

// Fields reads the header lines of CSV files; the fields of JSON are what
// the pipeline declares.
func (s *source) Fields(ctx context.Context, read connectors.Read) (*record.Shape, error) {
	r, err := s.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Shape(), nil
}

// Check opens the folder.
func (s *source) Check(ctx context.Context) error {
	folder, err := s.conn.open(ctx, s.env)
	if err != nil {
		return err
	}
	defer folder.Close()
	return checkFolder(ctx, folder)
}

func checkFolder(ctx context.Context, folder place.Folder) error {
	e, err := folder.Stat(ctx, ".")
	if err == nil && !e.Dir {
		err = fmt.Errorf("%w: %s is no folder", connectors.ErrConfig, folder)
	}
	return err
}

// Streams lists the files whose format is known, in the folder itself, sorted.
func (s *source) Streams(ctx context.Context) ([]string, error) {
	folder, err := s.conn.open(ctx, s.env)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	entries, err := folder.List(ctx, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue // what programs keep for themselves, ledgers among it
		}
		if _, err := formatOf("", e.Name); (err == nil || zipped(e.Name)) && e.Regular {
			names = append(names, e.Name)
		}
	}
	return names, nil
}
