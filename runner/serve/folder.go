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

// mostFiles is how many files one pattern may match.
const mostFiles = 10_000

// folder finds files by a pattern, or all of a folder.
type folder struct {
	pattern string
	settle  time.Duration
	seen    map[string]sighting
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
	return &folder{pattern: pattern, settle: settle, seen: map[string]sighting{}}
}

// List gives the files that have not changed for the settling time. How long
// that is is measured between looks, not by the time stamps of the files,
// which may come from another machine's clock.
func (f *folder) List(_ context.Context, now time.Time) (map[string]string, error) {
	matches, err := f.matches()
	if err != nil {
		return nil, err
	}
	settled := make(map[string]string)
	seen := make(map[string]sighting, len(matches))
	for _, path := range matches {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		s := sighting{print: fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano()), since: now}
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
