package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// Entry is a file or folder as it is now.
type Entry struct {
	Name    string // path within the folder
	Dir     bool
	Regular bool // a file, and neither a folder nor a link nor a device
	Size    int64
	ModTime time.Time
	// Tag changes with the content, where the place has such a thing.
	Tag string
}

// Folder is somewhere files are read. It is safe for concurrent use.
type Folder interface {
	// String is how messages call it; it holds nothing secret.
	String() string
	// List gives what is directly in dir ("." for the folder itself), sorted
	// by name. Links are neither Dir nor Regular. An error wraps
	// fs.ErrNotExist when there is no such folder.
	List(ctx context.Context, dir string) ([]Entry, error)
	// Stat looks at one name, following links that stay in the folder. An
	// error wraps fs.ErrNotExist when there is nothing.
	Stat(ctx context.Context, name string) (Entry, error)
	// Open reads an entry that Stat or List gave, from its front. A read of a
	// file that has changed since fails with ErrChanged; one that was cut
	// short goes on or fails, and never ends early. ctx ends the reading too.
	// A local file is an io.ReaderAt as well.
	Open(ctx context.Context, e Entry) (io.ReadCloser, error)
	// Close lets go of connections. What is open is not read afterwards.
	Close()
}

var (
	// ErrChanged says that a file is not the one that was looked at.
	ErrChanged = errors.New("the file was changed while it was read; run again when it is complete")
	// ErrCut says that a transfer was cut short and cannot be gone on with: it
	// may be begun anew.
	ErrCut = errors.New("the transfer was cut short")
	// ErrTooMany says that a folder holds more than is listed.
	ErrTooMany = fmt.Errorf("%w: the folder holds too many files", connectors.ErrConfig)
)

// mostEntries bounds the entries of one folder.
const mostEntries = 200_000

// Glob gives what a pattern of path.Match names, sorted by name; a part ** of
// it stands for any folders and for none. Names that
// begin with a dot are passed over unless the pattern says the dot, and so are
// folders. Unlike fs.Glob it fails when a folder cannot be read: files that
// are not seen would be lost without a word.
func Glob(ctx context.Context, f Folder, pattern string) ([]Entry, error) {
	for _, part := range strings.Split(pattern, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return nil, err
		}
	}
	found, err := expand(ctx, f, ".", strings.Split(pattern, "/"))
	return sorted(found), err
}

// deep is a part of a pattern that stands for any folders, and for none.
const (
	deep        = "**"
	mostFolders = 10_000 // looked into for one pattern
)

// Fits reports whether a path fits a pattern, as Glob would find it.
func Fits(pattern, name string) (bool, error) {
	return fits(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func fits(pattern, name []string) (bool, error) {
	switch {
	case len(pattern) == 0 || len(name) == 0:
		return len(pattern) == len(name), nil
	case pattern[0] == deep && len(pattern) == 1:
		return true, nil
	case pattern[0] == deep:
		if ok, err := fits(pattern[1:], name); ok || err != nil {
			return ok, err
		}
		return fits(pattern, name[1:])
	}
	ok, err := path.Match(pattern[0], name[0])
	if !ok || err != nil {
		return false, err
	}
	return fits(pattern[1:], name[1:])
}

// descend expands what is left of a pattern in a folder and in all below it.
// Folders that are links are not gone into: they may lead back.
func descend(ctx context.Context, f Folder, dir string, rest []string) (found []Entry, err error) {
	for len(rest) > 0 && rest[0] == deep {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		rest = []string{"*"}
	}
	folders := []string{dir}
	for i := 0; i < len(folders); i++ {
		here, err := expand(ctx, f, folders[i], rest)
		if err != nil {
			return nil, err
		}
		found = append(found, here...)
		entries, err := f.List(ctx, folders[i])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if e.Dir && !strings.HasPrefix(path.Base(e.Name), ".") {
				folders = append(folders, e.Name)
			}
		}
		if len(folders) > mostFolders {
			return nil, fmt.Errorf("%w: a pattern with ** is looked for in at most %d folders", connectors.ErrConfig, mostFolders)
		}
	}
	return slices.CompactFunc(sorted(found), func(a, b Entry) bool { return a.Name == b.Name }), nil
}

func sorted(found []Entry) []Entry {
	slices.SortFunc(found, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func expand(ctx context.Context, f Folder, dir string, parts []string) ([]Entry, error) {
	part, rest := parts[0], parts[1:]
	if part == deep {
		return descend(ctx, f, dir, rest)
	}
	if !strings.ContainsAny(part, `*?[\`) {
		name := path.Join(dir, part)
		if len(rest) > 0 {
			return expand(ctx, f, name, rest)
		}
		e, err := f.Stat(ctx, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && e.Dir {
			return nil, nil
		}
		return []Entry{e}, err
	}
	entries, err := f.List(ctx, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []Entry
	for _, e := range entries {
		base := path.Base(e.Name)
		if ok, _ := path.Match(part, base); !ok || strings.HasPrefix(base, ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		if !e.Dir && !e.Regular { // a link counts as what it leads to
			if e, err = f.Stat(ctx, e.Name); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		switch {
		case len(rest) > 0 && e.Dir:
			below, err := expand(ctx, f, e.Name, rest)
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
		case len(rest) == 0 && !e.Dir:
			found = append(found, e)
		}
	}
	return found, nil
}

// environment marks an error of a place as one of the environment.
func environment(err error) error {
	if err == nil || errors.Is(err, connectors.ErrEnvironment) || errors.Is(err, connectors.ErrConfig) {
		return err
	}
	return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
}
