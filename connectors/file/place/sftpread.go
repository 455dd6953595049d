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
	"sync/atomic"

	"github.com/tieout/tieout/connectors"
)

// List reads a folder.
func (f *sftpFolder) List(ctx context.Context, dir string) ([]Entry, error) {
	var entries []Entry
	err := f.do(ctx, func(c *session, alive func()) error {
		list, err := c.ReadDirContext(ctx, f.full(dir))
		if err != nil {
			return err
		}
		alive()
		if entries = make([]Entry, 0, len(list)); len(list) > mostEntries {
			return fmt.Errorf("%w: %d in %s", ErrTooMany, len(list), f.full(dir))
		}
		for _, info := range list {
			if name := info.Name(); name != "." && name != ".." && name != "" && !strings.Contains(name, "/") {
				entries = append(entries, entryOf(path.Join(dir, name), info))
			}
		}
		return nil
	})
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, f.explain("list", dir, err)
}

// explain names what was asked for.
func (f *sftpFolder) explain(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, strings.TrimSuffix(f.shown+"/"+name, "/."), environment(err))
}

// Stat looks at a name. What links lead to lies in the folder, or is refused.
func (f *sftpFolder) Stat(ctx context.Context, name string) (Entry, error) {
	var e Entry
	err := f.do(ctx, func(c *session, _ func()) error {
		real, err := c.RealPath(f.full(name))
		if err != nil {
			return err
		}
		if real != c.root && !strings.HasPrefix(real, strings.TrimSuffix(c.root, "/")+"/") {
			return fmt.Errorf("%w: it leads out of the folder, to %s", connectors.ErrConfig, real)
		}
		info, err := c.Stat(real)
		if err != nil {
			return err
		}
		e = entryOf(name, info)
		return nil
	})
	return e, f.explain("look at", name, err)
}

// Open reads a file.
func (f *sftpFolder) Open(ctx context.Context, e Entry) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	t := &transfer{ctx: ctx, entry: e, lost: lostSFTP, same: func(ctx context.Context) error { return f.same(ctx, e) }}
	t.from = func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		if err := f.same(ctx, e); err != nil {
			return nil, err
		}
		return f.from(ctx, e, offset)
	}
	return &cancelled{transfer: t, cancel: cancel, stop: context.AfterFunc(ctx, func() { f.drop(nil) })}, nil
}

// cancelled ends a transfer with everything it has begun.
type cancelled struct {
	*transfer
	cancel context.CancelFunc
	stop   func() bool // what ctx would do when it ends
}

// Close ends the transfer.
func (c *cancelled) Close() error {
	c.stop()
	err := c.transfer.Close()
	c.cancel()
	return err
}

// same makes sure that a file is the one that was looked at.
func (f *sftpFolder) same(ctx context.Context, e Entry) error {
	now, err := f.Stat(ctx, e.Name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (now.Size != e.Size || !now.ModTime.Equal(e.ModTime)) {
		return fmt.Errorf("%w: %s: %w", connectors.ErrEnvironment, e.Name, ErrChanged)
	}
	return err
}

// from opens a file at an offset, on the connection there is.
func (f *sftpFolder) from(ctx context.Context, e Entry, offset int64) (io.ReadCloser, error) {
	var r *remoteRead
	err := f.once(ctx, func(c *session, _ func()) error {
		file, err := c.Open(f.full(e.Name))
		if err != nil {
			return err
		}
		if _, err := file.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		r = &remoteRead{folder: f, session: c, file: file}
		return nil
	})
	return r, err
}

// remoteRead reads an open file of the server.
type remoteRead struct {
	folder  *sftpFolder
	session *session
	file    interface {
		io.Reader
		io.Closer
	}
}

// Read reads on; a server that says nothing for a while has gone.
func (r *remoteRead) Read(p []byte) (int, error) {
	var late atomic.Bool
	w := newWatch(r.folder.settings.Timeout, func() { late.Store(true); r.folder.drop(r.session) })
	n, err := r.file.Read(p)
	w.end()
	if err != nil && !errors.Is(err, io.EOF) && lostSFTP(err) {
		r.folder.drop(r.session)
		if late.Load() {
			err = fmt.Errorf("it did not answer in time: %w", errBroken)
		}
	}
	return n, err
}

// Close closes the file.
func (r *remoteRead) Close() error {
	w := newWatch(r.folder.settings.Timeout, func() { r.folder.drop(r.session) })
	defer w.end()
	return r.file.Close()
}
