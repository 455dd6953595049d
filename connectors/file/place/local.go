package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tieout/tieout/connectors"
)

// Local is a folder of this machine. Nothing outside it can be reached
// through it, whatever a name says.
type Local struct{ root *os.Root }

// OpenLocal opens a folder; one that is not absolute begins at base.
func OpenLocal(base, folder string) (*Local, error) {
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(base, folder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("%w: open the folder of the connection: %w", connectors.ErrEnvironment, err)
	}
	return &Local{root: root}, nil
}

// String is the path of the folder.
func (l *Local) String() string { return l.root.Name() }

// Close lets go of the folder.
func (l *Local) Close() { l.root.Close() }

// List reads a folder.
func (l *Local) List(ctx context.Context, dir string) ([]Entry, error) {
	list, err := fs.ReadDir(l.root.FS(), path.Clean(dir))
	if err != nil {
		return nil, environment(err)
	}
	entries := make([]Entry, 0, len(list))
	for _, e := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went away meanwhile
		}
		if err != nil {
			return nil, environment(err)
		}
		entries = append(entries, entryOf(path.Join(dir, e.Name()), info))
	}
	return entries, nil
}

func entryOf(name string, info fs.FileInfo) Entry {
	return Entry{Name: name, Dir: info.IsDir(), Regular: info.Mode().IsRegular(), Size: info.Size(), ModTime: info.ModTime()}
}

// Stat looks at a name.
func (l *Local) Stat(_ context.Context, name string) (Entry, error) {
	info, err := l.root.Stat(name)
	if err != nil {
		return Entry{}, environment(err)
	}
	return entryOf(name, info), nil
}

// Open opens a file.
func (l *Local) Open(_ context.Context, e Entry) (io.ReadCloser, error) {
	f, err := l.root.Open(e.Name)
	if err != nil {
		return nil, environment(err)
	}
	return f, nil
}

// beside is a name for what belongs to a file: out.csv has .out.csv.tieout*.
func beside(name, suffix string) string {
	dir, base := path.Split(name)
	return dir + "." + base + ".tieout" + suffix
}

// Prepare makes the folder of a file.
func (l *Local) Prepare(_ context.Context, name string) error {
	if dir := path.Dir(name); dir != "." {
		return environment(l.root.MkdirAll(dir, 0o755))
	}
	return nil
}

// Claim takes a lock that ends with the process.
func (l *Local) Claim(_ context.Context, name string) (func(), error) {
	f, err := l.root.OpenFile(beside(name, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, environment(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: lock %s: %w", connectors.ErrEnvironment, name, err)
	}
	return func() { f.Close() }, nil
}

// Ledger reads the ledger. It has no version: whoever holds the claim is the
// only one to change it.
func (l *Local) Ledger(_ context.Context, name string) ([]byte, string, error) {
	text, err := l.root.ReadFile(beside(name, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	return text, "", environment(err)
}

// Swap replaces the ledger durably. The caller holds the claim.
func (l *Local) Swap(_ context.Context, name string, text []byte, _ string) (string, error) {
	temp := beside(name, ".json.tmp")
	f, err := l.root.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", environment(err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = l.root.Rename(temp, beside(name, ".json"))
	}
	if err != nil {
		return "", fmt.Errorf("%w: write %s: %w", connectors.ErrEnvironment, beside(name, ".json"), err)
	}
	if err := l.syncDir(name); err != nil {
		return "", fmt.Errorf("%w: %w", err, ErrUnknown)
	}
	return "", nil
}

// syncDir makes renames in the folder of a file durable.
func (l *Local) syncDir(name string) error {
	dir, err := l.root.Open(path.Dir(name))
	if err != nil {
		return environment(err)
	}
	defer dir.Close()
	return environment(dir.Sync())
}

func temporary(name, load string) string { return beside(name, "-"+load+".tmp") }

// Stage opens a file beside the one that is written.
func (l *Local) Stage(_ context.Context, name, load string) (*os.File, Parcel, error) {
	p := Parcel{Load: load, Temp: temporary(name, load)}
	f, err := l.root.OpenFile(p.Temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	return f, p, environment(err)
}

// Deposit makes the file durable where it is.
func (l *Local) Deposit(_ context.Context, _ string, staged *os.File, _ *Parcel) error {
	err := staged.Sync()
	if cerr := staged.Close(); err == nil {
		err = cerr
	}
	return environment(err)
}

// Publish renames. The name it was written under is gone once that is done.
func (l *Local) Publish(_ context.Context, name string, p Parcel) error {
	err := l.root.Rename(p.Temp, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return environment(err)
	}
	return l.syncDir(name)
}

// Discard removes what was staged.
func (l *Local) Discard(_ context.Context, name string, p Parcel) error {
	err := l.root.Remove(temporary(name, p.Load))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return environment(err)
}

// Inside gives the path of a stream within a folder, and whether it stays
// there. An absolute path is fine when it leads into a local one.
func Inside(f Folder, stream string) (string, bool) {
	if filepath.IsAbs(stream) {
		folder, err := filepath.Abs(f.String())
		if _, local := f.(*Local); !local || err != nil {
			return "", false
		}
		if stream, err = filepath.Rel(folder, stream); err != nil {
			return "", false
		}
	}
	name := path.Clean(filepath.ToSlash(stream))
	return name, fs.ValidPath(name) && name != "."
}

// Near lists the files of a folder for a message, when they are few.
func Near(ctx context.Context, f Folder, name string) string {
	entries, err := f.List(ctx, path.Dir(name))
	if err != nil || len(entries) == 0 || len(entries) > 20 {
		return ""
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Dir || strings.HasPrefix(path.Base(e.Name), ".") })
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = path.Base(e.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return "; it has " + strings.Join(names, ", ")
}
