package file

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// source reads the files of one folder.
type source struct {
	env     connectors.Env
	folder  string
	options SourceOptions
}

func newSource(env connectors.Env, c *Connection, o *SourceOptions) (connectors.Source, error) {
	return &source{env: env, folder: c.Path.Value, options: *o}, nil
}

// Open opens the files a stream names, all as one read.
func (s *source) Open(_ context.Context, read connectors.Read) (connectors.Reader, error) {
	format, err := formatOf(s.options.Format, read.Stream)
	if err != nil {
		return nil, err
	}
	root, err := openRoot(s.env, s.folder)
	if err != nil {
		return nil, err
	}
	names, err := match(root, read.Stream)
	if err != nil {
		root.Close()
		return nil, err
	}
	var reader connectors.Reader
	if format == "csv" {
		reader, err = s.openCSV(root, names, read)
	} else {
		reader, err = s.openJSON(root, names, format, read)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return reader, nil
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
func (s *source) Check(context.Context) error {
	root, err := openRoot(s.env, s.folder)
	if err != nil {
		return err
	}
	return root.Close()
}

// Streams lists the files whose format is known, in the folder itself.
func (s *source) Streams(context.Context) ([]string, error) {
	root, err := openRoot(s.env, s.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	var names []string
	for _, e := range entries {
		if _, err := formatOf("", e.Name()); err == nil && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
