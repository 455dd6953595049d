package serve

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tieout/tieout/runner/schedule"
)

const (
	// mostFiles is how many files one pattern may match.
	mostFiles = 10_000
	// listWait is how long a folder may take to answer. The schedule of all
	// pipelines waits for it.
	listWait = 250 * time.Millisecond
)

// folder finds files by a pattern, or all of a folder.
type folder struct {
	pattern string
	settle  time.Duration
	seen    map[string]sighting
	read    func() (map[string]string, error)
	pending chan listing // of a reading that has not answered
}

// listing is what a reading of the folder gave.
type listing struct {
	prints map[string]string
	err    error
}

// sighting is a file as it was when it last changed under our eyes.
type sighting struct {
	print string
	since time.Time
}

// newFolder looks at a folder or pattern below the project's folder, or at an
// absolute one.
func newFolder(dir, pattern string, settle time.Duration) *folder {
	pattern = filepath.FromSlash(pattern)
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	f := &folder{pattern: pattern, settle: settle, seen: map[string]sighting{}}
	f.read = f.prints
	return f
}

// List gives the files that have not changed for the settling time. How long
// that is is measured between looks, not by the time stamps of the files,
// which may come from another machine's clock. A network folder that hangs is
// waited for once and only briefly, so that other pipelines go on.
func (f *folder) List(_ context.Context, now time.Time) (map[string]string, error) {
	patience := closed()
	if f.pending == nil {
		pending := make(chan listing, 1)
		go func() {
			prints, err := f.read()
			pending <- listing{prints, err}
		}()
		f.pending, patience = pending, time.After(listWait)
	}
	got, err := f.await(patience)
	if err != nil {
		return nil, err
	}
	settled := make(map[string]string)
	seen := make(map[string]sighting, len(got))
	for path, print := range got {
		s := sighting{print: print, since: now}
		if before, known := f.seen[path]; known && before.print == s.print {
			s.since = before.since
		}
		seen[path] = s
		if now.Sub(s.since) >= f.settle || s.since.After(now) {
			settled[path] = s.print
		}
	}
	f.seen = seen
	return settled, nil
}

// await takes what was listed, or gives up for now.
func (f *folder) await(patience <-chan time.Time) (map[string]string, error) {
	select {
	case got := <-f.pending:
		f.pending = nil
		return got.prints, got.err
	default:
	}
	select {
	case got := <-f.pending:
		f.pending = nil
		return got.prints, got.err
	case <-patience:
		return nil, fmt.Errorf("%s does not answer; the network folder may be away", f.pattern)
	}
}

// closed is a patience that is over.
func closed() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}

// prints lists the files with their fingerprints.
func (f *folder) prints() (map[string]string, error) {
	matches, err := f.matches()
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(matches))
	for _, path := range matches {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			out[path] = fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return out, nil
}

func (f *folder) matches() ([]string, error) {
	pattern := f.pattern
	switch info, err := os.Stat(pattern); {
	case err == nil && info.IsDir():
		pattern = filepath.Join(pattern, "*")
	case !strings.ContainsAny(filepath.Dir(pattern), "*?["):
		if _, err := os.Stat(filepath.Dir(pattern)); err != nil {
			return nil, fmt.Errorf("the folder of on.files cannot be read: %w", err)
		}
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, path := range found {
		if base := filepath.Base(path); !partial(base) {
			out = append(out, path)
		}
	}
	if len(out) > mostFiles {
		return nil, fmt.Errorf("%d files match %s, more than %d; move those that are done to another folder: %w", len(out), f.pattern, mostFiles, fs.ErrInvalid)
	}
	return out, nil
}

// partial reports whether a name is one that programs give to files they are
// still writing, or to what is no data.
func partial(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.HasSuffix(name, "~") ||
		strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".partial") || strings.HasSuffix(name, ".crdownload")
}

var _ schedule.Files = (*folder)(nil)
