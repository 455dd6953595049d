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

// match lists the regular files a stream names, sorted.
func match(root *os.Root, stream string) ([]string, error) {
	name, ok := inside(root, stream)
	if !ok {
		return nil, fmt.Errorf("%w: stream %q leaves the folder of the connection", connectors.ErrConfig, stream)
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		var err error
		if names, err = fs.Glob(root.FS(), name); err != nil {
			return nil, fmt.Errorf("%w: stream %q is no pattern: %w", connectors.ErrConfig, stream, err)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%w: no file matches %q in %s", connectors.ErrConfig, stream, root.Name())
		}
	}
	slices.Sort(names)
	for _, n := range names {
		if err := regular(root, n); err != nil {
			return nil, err
		}
	}
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
	switch strings.ToLower(path.Ext(stream)) {
	case ".csv", ".tsv", ".txt":
		return "csv", nil
	case ".json":
		return "json", nil
	case ".jsonl", ".ndjson":
		return "jsonl", nil
	}
	return "", fmt.Errorf("%w: the format of %q cannot be told from its name; say format: csv, json or jsonl", connectors.ErrConfig, stream)
}
