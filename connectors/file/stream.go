package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
)

// match lists the documents a stream names, sorted.
func (f *disk) match(stream string) ([]input, error) {
	name, ok := place.Inside(f.folder, stream)
	if !ok {
		return nil, fmt.Errorf("%w: stream %q leaves the folder of the connection", connectors.ErrConfig, stream)
	}
	outer, inner, err := f.parts(name)
	if err != nil {
		return nil, err
	}
	entries, err := f.matchFiles(outer)
	if err != nil {
		return nil, err
	}
	var inputs []input
	for _, e := range entries {
		f.entries[e.Name] = e
		if !zipped(e.Name) {
			inputs = append(inputs, input{file: e.Name})
			continue
		}
		members, err := f.members(e.Name, inner)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			inputs = append(inputs, input{file: e.Name, member: member})
		}
	}
	if len(inputs) > maxInputs {
		return nil, fmt.Errorf("%w: stream %q names %d files; at most %d are read as one", connectors.ErrConfig, stream, len(inputs), maxInputs)
	}
	return inputs, nil
}

// maxInputs bounds the documents of one read.
const maxInputs = 100_000

// parts parts the path of an archive from what is meant inside it.
func (f *disk) parts(name string) (outer, inner string, err error) {
	parts := strings.Split(name, "/")
	for i := range len(parts) - 1 {
		outer = strings.Join(parts[:i+1], "/")
		if !zipped(outer) {
			continue
		}
		switch e, err := f.folder.Stat(f.ctx, outer); {
		case err == nil && e.Dir:
			continue
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(outer, "*?["):
			return "", "", err
		}
		return outer, strings.Join(parts[i+1:], "/"), nil
	}
	return name, "", nil
}

// members lists what is meant in one archive.
func (f *disk) members(name, inner string) ([]string, error) {
	a, err := f.openArchive(name)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if inner == "" {
		only, err := a.only()
		return []string{only}, err
	}
	names, err := a.match(inner)
	if err == nil && len(names) == 0 {
		err = a.lacks("no file in it matches %q", inner)
	}
	return names, err
}

func (f *disk) matchFiles(name string) ([]place.Entry, error) {
	if !strings.ContainsAny(name, "*?[") {
		return f.regular(name)
	}
	if e, err := f.folder.Stat(f.ctx, name); err == nil && e.Regular {
		return []place.Entry{e}, nil // a file that is called like a pattern
	}
	entries, err := place.Glob(f.ctx, f.folder, name)
	if errors.Is(err, path.ErrBadPattern) {
		return nil, fmt.Errorf("%w: stream %q is no pattern: %w", connectors.ErrConfig, name, err)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Regular {
			return nil, fmt.Errorf("%w: %q is not a regular file", connectors.ErrConfig, e.Name)
		}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: source.unknown_stream: no file matches %q in %s", connectors.ErrConfig, name, f.folder)
	}
	return entries, nil
}

func (f *disk) regular(name string) ([]place.Entry, error) {
	e, err := f.folder.Stat(f.ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: source.unknown_stream: there is no file %q in %s%s", connectors.ErrConfig, name, f.folder, place.Near(f.ctx, f.folder, name))
	}
	if err != nil {
		return nil, err
	}
	if !e.Regular {
		return nil, fmt.Errorf("%w: %q is not a regular file", connectors.ErrConfig, name)
	}
	return []place.Entry{e}, nil
}

// formatOf names the format of a stream: what the settings say, else the
// extension.
func formatOf(said, stream string) (string, error) {
	if said != "" {
		return said, nil
	}
	switch strings.ToLower(path.Ext(plain(stream))) {
	case ".csv", ".tsv", ".txt":
		return "csv", nil
	case ".json":
		return "json", nil
	case ".jsonl", ".ndjson":
		return "jsonl", nil
	case ".xlsx", ".xlsm":
		return "xlsx", nil
	case ".xml":
		return "xml", nil
	case ".parquet":
		return "parquet", nil
	case ".xls", ".xlsb":
		return "", fmt.Errorf("%w: %q is a workbook of an old kind; save it as .xlsx", connectors.ErrConfig, stream)
	}
	return "", fmt.Errorf("%w: the format of %q cannot be told from its name; say format: csv, json, jsonl, xlsx, xml or parquet", connectors.ErrConfig, stream)
}

// formatOfAll names the one format of several documents.
func formatOfAll(said string, inputs []input) (string, error) {
	format, err := formatOf(said, inputs[0].name())
	if err != nil {
		return "", err
	}
	for _, in := range inputs[1:] {
		other, err := formatOf(said, in.name())
		if err != nil {
			return "", err
		}
		if other != format {
			return "", fmt.Errorf("%w: %s is %s and %s is %s; one stream has one format", connectors.ErrConfig, inputs[0].name(), format, in.name(), other)
		}
	}
	return format, nil
}
