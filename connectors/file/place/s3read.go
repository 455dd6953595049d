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

	"github.com/minio/minio-go/v7"

	"github.com/tieout/tieout/connectors"
)

// List gives the keys up to the next slash. What a slash follows is a folder.
func (f *s3Folder) List(ctx context.Context, dir string) ([]Entry, error) {
	prefix := f.key(dir)
	if prefix != "" {
		prefix += "/"
	}
	var entries []Entry
	err := f.do(ctx, func(ctx context.Context) error {
		entries = nil
		return f.api.list(ctx, prefix, func(o minio.ObjectInfo) bool {
			base := strings.TrimPrefix(o.Key, prefix)
			folder, isFolder := strings.CutSuffix(base, "/")
			switch {
			case folder == "" || strings.Contains(folder, "/"): // the folder itself
			case isFolder:
				entries = append(entries, Entry{Name: path.Join(dir, folder), Dir: true})
			default:
				entries = append(entries, entryOfObject(path.Join(dir, base), o))
			}
			return len(entries) <= mostEntries
		})
	})
	if err != nil {
		return nil, f.explain("list", dir, err)
	}
	if len(entries) > mostEntries {
		return nil, fmt.Errorf("%w: more than %d in %s", ErrTooMany, mostEntries, f.shown)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

func entryOfObject(name string, o minio.ObjectInfo) Entry {
	return Entry{Name: name, Regular: true, Size: o.Size, ModTime: o.LastModified, Tag: strings.Trim(o.ETag, `"`)}
}

// Stat looks at an object; a name that other keys go on behind is a folder.
func (f *s3Folder) Stat(ctx context.Context, name string) (Entry, error) {
	key := f.key(name)
	var e Entry
	err := f.do(ctx, func(ctx context.Context) error {
		if key == f.prefix {
			_, err := f.api.any(ctx, key)
			e = Entry{Name: name, Dir: true}
			return err
		}
		o, _, err := f.api.head(ctx, key)
		if !gone(err) {
			e = entryOfObject(name, o)
			return err
		}
		below, err := f.api.any(ctx, key+"/")
		if err == nil && !below {
			err = fs.ErrNotExist
		}
		e = Entry{Name: name, Dir: true}
		return err
	})
	return e, f.explain("look at", name, err)
}

// Open reads an object, as it was when it was looked at.
func (f *s3Folder) Open(ctx context.Context, e Entry) (io.ReadCloser, error) {
	t := &transfer{ctx: ctx, entry: e, lost: lostS3, same: func(context.Context) error { return nil },
		unsafe: !f.sealed} // nothing says which bytes of a short body are missing
	t.from = func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		w := newWatch(f.settings.Timeout, func() { cancel(errLate) })
		in, err := f.api.get(ctx, f.key(e.Name), e.Tag, offset, e.Size)
		w.end()
		if err == nil {
			return &download{ReadCloser: in, folder: f, cancel: cancel}, nil
		}
		if errors.Is(context.Cause(ctx), errLate) {
			err = errLate
		}
		cancel(nil)
		if refused(err) || gone(err) {
			return nil, fmt.Errorf("%w: %s: %w", connectors.ErrEnvironment, e.Name, ErrChanged)
		}
		if err != nil && !lostS3(err) {
			err = f.explain("read", e.Name, err)
		}
		return nil, err
	}
	return t, nil
}

// download reads the body of one reply.
type download struct {
	io.ReadCloser
	folder *s3Folder
	cancel context.CancelCauseFunc
}

// Read reads on; a server that sends nothing for a while has gone.
func (d *download) Read(p []byte) (int, error) {
	w := newWatch(d.folder.settings.Timeout, func() { d.cancel(errLate) })
	n, err := d.ReadCloser.Read(p)
	if !w.timer.Stop() && err != nil {
		err = errLate
	}
	return n, err
}

// Close ends the exchange.
func (d *download) Close() error {
	err := d.ReadCloser.Close()
	d.cancel(nil)
	return err
}
