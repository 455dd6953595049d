package place

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// Beside a written file out.csv stands the folder .out.csv.tieout. It holds
// the ledger in numbered generations, of which the highest counts, and loads
// that are not published. A generation is made under another name and then
// linked to its own, which fails when there is one of that number: that is
// what keeps two from changing the ledger at once, without a lock that a
// killed process would leave behind.

// keptGenerations is how many stay for whoever reads them just now.
const keptGenerations = 20

// staleAfter is how old, by the clock of the server, something forgotten is.
const staleAfter = time.Hour

func ledgers(name string) string { return beside(name, "") }

func generation(name string, n int64) string {
	return path.Join(ledgers(name), fmt.Sprintf("%012d.json", n))
}

// Prepare makes the folders and sees what the server can do.
func (f *sftpFolder) Prepare(ctx context.Context, name string) error {
	err := f.do(ctx, func(c *session, _ func()) error {
		if _, can := c.HasExtension("posix-rename@openssh.com"); !can {
			return fmt.Errorf("%w: the server cannot replace a file at one moment (posix-rename@openssh.com), so that a load could be seen in half; read from there, and write somewhere else", connectors.ErrConfig)
		}
		if info, err := c.Stat(f.folder); err != nil {
			return fmt.Errorf("open the folder of the connection: %w", err)
		} else if !info.IsDir() {
			return fmt.Errorf("%w: %s is no folder", connectors.ErrConfig, f.shown)
		}
		return c.MkdirAll(f.full(ledgers(name)))
	})
	if err != nil {
		return f.explain("write", name, err)
	}
	return f.excludes(ctx, name)
}

// excludes makes sure that the server refuses to put a file in the place of
// another unless it is asked to.
func (f *sftpFolder) excludes(ctx context.Context, name string) error {
	check := path.Join(ledgers(name), "check")
	err := f.do(ctx, func(c *session, _ func()) error {
		for range 2 { // the first may find none there
			temp := f.full(path.Join(ledgers(name), ".new-"+random()))
			if err := f.put(ctx, c, temp, strings.NewReader("tieout"), func() {}); err != nil {
				return err
			}
			err := link(c, temp, f.full(check))
			if rerr := c.Remove(temp); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				return rerr
			}
			if err != nil {
				_, serr := c.Stat(f.full(check))
				if serr != nil {
					return fmt.Errorf("%w: %w", err, serr)
				}
				return nil
			}
		}
		return fmt.Errorf("%w: the server puts a file in the place of another without being asked to, so that two loads could overwrite each other; read from there, and write somewhere else", connectors.ErrConfig)
	})
	return f.explain("write", name, err)
}

// link gives a file another name, which must be new.
func link(c *session, from, to string) error {
	if _, can := c.HasExtension("hardlink@openssh.com"); can {
		return c.Link(from, to)
	}
	return c.Rename(from, to)
}

func random() string { return strings.ToLower(rand.Text()) }

// Claim does nothing: Swap needs no lock.
func (f *sftpFolder) Claim(context.Context, string) (func(), error) { return func() {}, nil }

// newest gives the number of the newest generation, 0 for none, and forgets
// what nobody needs when told to.
func (f *sftpFolder) newest(ctx context.Context, c *session, name string, forget bool) (int64, error) {
	list, err := c.ReadDirContext(ctx, f.full(ledgers(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var newest int64
	var now time.Time
	for _, info := range list {
		newest = max(newest, numberOf(info.Name()))
		if info.ModTime().After(now) {
			now = info.ModTime()
		}
	}
	for _, info := range list {
		n := numberOf(info.Name())
		old := n > 0 && n <= newest-keptGenerations
		if left := strings.HasPrefix(info.Name(), ".new-"); forget && (old || left && now.Sub(info.ModTime()) > staleAfter) {
			if err := c.Remove(f.full(path.Join(ledgers(name), info.Name()))); err != nil && lostSFTP(err) {
				return 0, err
			}
		}
	}
	return newest, nil
}

func numberOf(name string) int64 {
	digits, ok := strings.CutSuffix(name, ".json")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n
}

// Ledger reads the newest generation.
func (f *sftpFolder) Ledger(ctx context.Context, name string) (text []byte, version string, err error) {
	err = f.do(ctx, func(c *session, _ func()) error {
		for {
			n, err := f.newest(ctx, c, name, false)
			if err != nil || n == 0 {
				return err
			}
			text, err = f.whole(c, generation(name, n))
			if errors.Is(err, fs.ErrNotExist) {
				continue // many newer ones came meanwhile
			}
			version = strconv.FormatInt(n, 10)
			return err
		}
	})
	return text, version, f.explain("read the ledger of", name, err)
}

// whole reads a small file.
func (f *sftpFolder) whole(c *session, name string) ([]byte, error) {
	file, err := c.Open(f.full(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxLedger+1))
	if err == nil && len(text) > maxLedger {
		err = fmt.Errorf("%w: %s is larger than a ledger can be", connectors.ErrEnvironment, name)
	}
	return text, err
}

// Swap makes the next generation.
func (f *sftpFolder) Swap(ctx context.Context, name string, text []byte, version string) (string, error) {
	was := int64(0)
	if version != "" {
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return "", err
		}
		was = n
	}
	asked := false
	err := f.do(ctx, func(c *session, _ func()) error { return f.swap(ctx, c, name, text, was, &asked) })
	switch {
	case err == nil:
		return strconv.FormatInt(was+1, 10), nil
	case errors.Is(err, ErrStale), errors.Is(err, ErrUnknown):
		return "", fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	case asked && (lostSFTP(err) || ctx.Err() != nil):
		return "", fmt.Errorf("%w: %w: %w", connectors.ErrEnvironment, ErrUnknown, err)
	}
	return "", f.explain("write the ledger of", name, err)
}

func (f *sftpFolder) swap(ctx context.Context, c *session, name string, text []byte, was int64, asked *bool) error {
	newest, err := f.newest(ctx, c, name, true)
	if err != nil {
		return err
	}
	if newest > was {
		return f.ours(c, name, text, was+1, newest)
	}
	if newest == 0 {
		if err := c.MkdirAll(f.full(ledgers(name))); err != nil {
			return err
		}
	}
	temp := f.full(path.Join(ledgers(name), ".new-"+random()))
	if err := f.put(ctx, c, temp, bytes.NewReader(text), func() {}); err != nil {
		return err
	}
	*asked = true
	err = link(c, temp, f.full(generation(name, was+1)))
	if err != nil && lostSFTP(err) {
		return err
	}
	if rerr := c.Remove(temp); rerr != nil && lostSFTP(rerr) {
		return rerr
	}
	if newest, nerr := f.newest(ctx, c, name, false); nerr != nil {
		return nerr
	} else if newest == was { // it is not there, so it was refused
		*asked = false
		if err == nil {
			err = ErrUnknown
		}
		return err
	} else {
		return f.ours(c, name, text, was+1, newest)
	}
}

// ours tells whether the generation after the one we knew is the one we made.
func (f *sftpFolder) ours(c *session, name string, text []byte, mine, newest int64) error {
	there, err := f.whole(c, generation(name, mine))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrUnknown // forgotten by now: the newest one tells
	case err != nil:
		return err
	case !bytes.Equal(there, text):
		return ErrStale
	case newest-mine >= keptGenerations:
		return ErrUnknown // one of that number may have been there before, and forgotten
	}
	return nil // and those after it were made of it
}

// put writes a file of the server, whole and durably as far as the server can.
func (f *sftpFolder) put(ctx context.Context, c *session, full string, from io.Reader, alive func()) error {
	file, err := c.OpenFile(full, os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
	if err != nil {
		return err
	}
	n, err := file.ReadFromWithConcurrency(&counted{ctx: ctx, in: from, alive: alive}, 16)
	if _, can := c.HasExtension("fsync@openssh.com"); err == nil && can {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	alive()
	info, err := c.Stat(full)
	if err == nil && info.Size() != n {
		err = fmt.Errorf("%w: %s has %d bytes there instead of %d", connectors.ErrEnvironment, path.Base(full), info.Size(), n)
	}
	return err
}

// counted says that bytes move.
type counted struct {
	ctx   context.Context
	in    io.Reader
	alive func()
}

// Read reads on.
func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	c.alive()
	return c.in.Read(p)
}

func (f *sftpFolder) part(name, load string) string {
	return path.Join(ledgers(name), "load-"+load+".part")
}

// Stage opens a file of this machine.
func (f *sftpFolder) Stage(_ context.Context, name, load string) (*os.File, Parcel, error) {
	file, err := unnamed(f.settings.Spool)
	return file, Parcel{Load: load, Temp: f.part(name, load)}, err
}

// Deposit uploads what was staged, from the front again when it breaks off.
func (f *sftpFolder) Deposit(ctx context.Context, name string, staged *os.File, p *Parcel) error {
	defer staged.Close()
	err := f.do(ctx, func(c *session, alive func()) error {
		if _, err := staged.Seek(0, io.SeekStart); err != nil {
			return environment(err)
		}
		return f.put(ctx, c, f.full(p.Temp), staged, alive)
	})
	return f.explain("write", name, err)
}

// Publish renames the upload, which is gone once that is done.
func (f *sftpFolder) Publish(ctx context.Context, name string, p Parcel) error {
	err := f.do(ctx, func(c *session, _ func()) error { return c.PosixRename(f.full(p.Temp), f.full(name)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.explain("write", name, err)
}

// Discard removes an upload.
func (f *sftpFolder) Discard(ctx context.Context, name string, p Parcel) error {
	err := f.do(ctx, func(c *session, _ func()) error { return c.Remove(f.full(f.part(name, p.Load))) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.explain("remove an upload of", name, err)
}
