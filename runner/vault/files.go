package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Files keeps entries as files of one folder. The lock of an entry is a file
// beside it that is never removed; it goes with the process that holds it,
// however that ends.
type Files struct{ Dir string }

const (
	suffix = ".age"
	// mostWait is how long the turn of another process is waited for: longer
	// than a token server may take, and not for ever on one that is stopped.
	mostWait  = 2 * time.Minute
	firstNap  = time.Millisecond
	longNap   = 50 * time.Millisecond
	dirMode   = 0o700
	fileMode  = 0o600
	writePart = ".new"
)

// Hold waits for the lock of an entry and replaces its file by a rename.
func (d Files) Hold(ctx context.Context, id string, fn func(sealed []byte) ([]byte, error)) error {
	lock, err := d.lock(ctx, id)
	if err != nil {
		return err
	}
	defer lock.Close()
	sealed, err := d.Read(ctx, id)
	if err != nil {
		return err
	}
	next, err := fn(sealed)
	if err != nil || next == nil {
		return err
	}
	return d.save(id, next)
}

// lock takes the lock of an entry.
func (d Files) lock(ctx context.Context, id string) (*os.File, error) {
	if err := os.MkdirAll(d.Dir, dirMode); err != nil {
		return nil, unwritable(err)
	}
	f, err := os.OpenFile(filepath.Join(d.Dir, id+".lock"), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, unwritable(err)
	}
	if err := wait(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	if f.Truncate(0) == nil { // the number is only for messages
		_, _ = fmt.Fprintf(f, "process %d", os.Getpid())
	}
	return f, nil
}

// wait tries for the lock, since one that is waited for by the system cannot
// be given up.
func wait(ctx context.Context, f *os.File) error {
	patience := time.NewTimer(mostWait)
	defer patience.Stop()
	for nap := firstNap; ; nap = min(2*nap, longNap) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("%w: lock it: %w", ErrUnkept, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return fmt.Errorf("%w: %s has held it for %v; end that process, then run again", ErrUnkept, holder(f), mostWait)
		case <-time.After(nap):
		}
	}
}

func holder(f *os.File) string {
	text := make([]byte, 64)
	n, _ := f.ReadAt(text, 0)
	if who := strings.TrimSpace(string(text[:n])); who != "" {
		return who
	}
	return "another process"
}

// Read reads the file of an entry.
func (d Files) Read(_ context.Context, id string) ([]byte, error) {
	f, err := os.Open(filepath.Join(d.Dir, id+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnkept, err)
	}
	defer f.Close()
	if err := guarded(f); err != nil {
		return nil, fmt.Errorf("%w: the kept token %s %w", errVault, f.Name(), err)
	}
	sealed, err := io.ReadAll(io.LimitReader(f, 2*mostEntry))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnkept, err)
	}
	return sealed, nil
}

// save replaces the file of an entry; either the old one or the new one is
// there, whatever happens.
func (d Files) save(id string, sealed []byte) error {
	path := filepath.Join(d.Dir, id+suffix)
	f, err := os.OpenFile(path+writePart, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fileMode)
	if err != nil {
		return unwritable(err)
	}
	_, err = f.Write(sealed)
	if err = errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close()); err != nil {
		return unwritable(err)
	}
	if err := os.Rename(path+writePart, path); err != nil {
		return unwritable(err)
	}
	if err := syncDir(d.Dir); err != nil {
		return unwritable(err)
	}
	return nil
}

// Any looks for a file of an entry.
func (d Files) Any(context.Context) (bool, error) {
	list, err := os.ReadDir(d.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%w: %w", ErrUnkept, err)
	}
	for _, one := range list {
		if strings.HasSuffix(one.Name(), suffix) {
			return true, nil
		}
	}
	return false, nil
}

// Close does nothing: nothing is open between two calls.
func (d Files) Close() error { return nil }

func unwritable(err error) error {
	return fmt.Errorf("%w: it cannot be written: %w; make room, or make the folder writable, then run again", ErrUnkept, err)
}

// syncDir makes the names of a folder durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// owned reports whether a file belongs to who runs the program.
func owned(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
