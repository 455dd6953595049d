package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
)

// openRoot opens the connection's folder. Nothing outside it can be reached
// through the result, whatever a stream is called.
func openRoot(env connectors.Env, folder string) (*os.Root, error) {
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(env.Dir, folder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("%w: open the folder of the connection: %w", connectors.ErrEnvironment, err)
	}
	return root, nil
}

// inside gives a stream's path within the connection's folder. An absolute
// path is fine when it leads there.
func inside(root *os.Root, stream string) (string, bool) {
	if filepath.IsAbs(stream) {
		folder, err := filepath.Abs(root.Name())
		if err != nil {
			return "", false
		}
		if stream, err = filepath.Rel(folder, stream); err != nil {
			return "", false
		}
	}
	name := path.Clean(filepath.ToSlash(stream))
	return name, fs.ValidPath(name) && name != "."
}

// match lists the documents a stream names, sorted.
func (f *disk) match(stream string) ([]input, error) {
	name, ok := inside(f.root, stream)
	if !ok {
		return nil, fmt.Errorf("%w: stream %q leaves the folder of the connection", connectors.ErrConfig, stream)
	}
	outer, inner := f.parts(name)
	names, err := matchFiles(f.root, outer)
	if err != nil {
		return nil, err
	}
	var inputs []input
	for _, n := range names {
		if err := regular(f.root, n); err != nil {
			return nil, err
		}
		if !zipped(n) {
			inputs = append(inputs, input{file: n})
			continue
		}
		members, err := f.members(n, inner)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			inputs = append(inputs, input{file: n, member: member})
		}
	}
	return inputs, nil
}

// parts parts the path of an archive from what is meant inside it.
func (f *disk) parts(name string) (outer, inner string) {
	parts := strings.Split(name, "/")
	for i := range len(parts) - 1 {
		outer = strings.Join(parts[:i+1], "/")
		if !zipped(outer) {
			continue
		}
		if info, err := f.root.Stat(outer); err == nil && info.IsDir() {
			continue
		}
		return outer, strings.Join(parts[i+1:], "/")
	}
	return name, ""
}

// members lists what is meant in one archive.
func (f *disk) members(name, inner string) ([]string, error) {
	a, err := openArchive(f.root, name)
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
		err = a.refuse("no file in it matches %q", inner)
	}
	return names, err
}

func matchFiles(root *os.Root, name string) ([]string, error) {
	if !strings.ContainsAny(name, "*?[") {
		return []string{name}, nil
	}
	if info, err := root.Stat(name); err == nil && info.Mode().IsRegular() {
		return []string{name}, nil // a file that is called like a pattern
	}
	names, err := fs.Glob(root.FS(), name)
	if err != nil {
		return nil, fmt.Errorf("%w: stream %q is no pattern: %w", connectors.ErrConfig, name, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: no file matches %q in %s", connectors.ErrConfig, name, root.Name())
	}
	slices.Sort(names)
	return names, nil
}

func regular(root *os.Root, name string) error {
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no file %q in %s%s", connectors.ErrConfig, name, root.Name(), near(root, name))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %q is not a regular file", connectors.ErrConfig, name)
	}
	return nil
}

// near lists what is there instead, when that is little.
func near(root *os.Root, name string) string {
	entries, err := fs.ReadDir(root.FS(), path.Dir(name))
	if err != nil || len(entries) == 0 || len(entries) > 20 {
		return ""
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return "; it has " + strings.Join(names, ", ")
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
