package serve

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/schemas/document"
)

// shelf keeps the version of each pipeline that runs: the newest one without
// mistakes. A file that is edited into a mistake leaves its last good version
// on the shelf.
type shelf struct {
	open func() *project.Project
	dir  string
	log  *slog.Logger

	mu      sync.RWMutex
	main    *project.Project // the newest whose tieout.yaml is good
	books   map[string]*book // by pipeline
	print   uint64           // fingerprint of the files
	errors  int              // in the files as they are now
	secrets []string
	pending uint64             // fingerprint at the last look; owned by who calls reload
	folders map[string]*folder // by pipeline and what it waits for, over reloads
}

// book is one pipeline with the project it was loaded with.
type book struct {
	project  *project.Project
	pipeline *pipelines.Pipeline
	file     string
	broken   string // why it cannot run; "" when it can
}

func newShelf(open func() *project.Project, dir string, log *slog.Logger) *shelf {
	return &shelf{open: open, dir: dir, log: log, books: map[string]*book{}}
}

// load reads the project for the first time. The error is that of tieout.yaml:
// without it nothing can be served. Pipelines with mistakes are kept as broken.
func (s *shelf) load() error {
	print := s.fingerprint()
	p := s.open()
	if err := mainProblems(p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(p)
	s.print = print + s.fingerprintNamed()
	return nil
}

// reload reads the project again when its files have changed, and reports
// whether anything was taken over.
func (s *shelf) reload() bool {
	yaml := s.fingerprint()
	s.mu.RLock()
	before, print := s.print, yaml+s.fingerprintNamed()
	s.mu.RUnlock()
	if print == before || print != s.pending { // still being written, or moved
		s.pending = print
		return false
	}
	p := s.open()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print = print
	if err := mainProblems(p); err != nil {
		s.errors = p.Workspace.Report.Errors()
		s.say(p, pipelines.ProjectFile, "tieout.yaml has mistakes; everything goes on as it was")
		return false
	}
	s.warnFixed(p)
	s.take(p)
	s.print = yaml + s.fingerprintNamed()
	s.log.Info("took over changed files", "pipelines", len(s.books), "errors", s.errors)
	return true
}

// mainProblems are the errors of tieout.yaml, and those of the folder.
func mainProblems(p *project.Project) error {
	if p.Workspace.Project == nil {
		return p.Workspace.Report.Err()
	}
	var found document.Diagnostics
	for _, d := range p.Workspace.Report.Diagnostics() {
		if d.File == pipelines.ProjectFile {
			found.Add(d)
		}
	}
	return found.Err()
}

// warnFixed says what a running process cannot change.
func (s *shelf) warnFixed(p *project.Project) {
	was, is := s.main.Workspace.Project, p.Workspace.Project
	if was.State.Value != is.State.Value || was.Project.Value != is.Project.Value || was.Serve.Listen.Value != is.Serve.Listen.Value ||
		was.Serve.Concurrency != is.Serve.Concurrency {
		s.log.Warn("project, state, serve.listen and serve.concurrency take effect when tieout serve is started again")
	}
}

// take puts a project on the shelf: its good pipelines, and the last good
// version of the others.
func (s *shelf) take(p *project.Project) {
	books := make(map[string]*book, len(p.Workspace.Pipelines))
	found, said := make(map[string]bool), make(map[string]bool)
	for _, pipeline := range p.Workspace.Pipelines {
		found[pipeline.File] = true
		name := pipeline.Name()
		err := p.Problems(pipeline)
		old := s.books[name]
		once := said[pipeline.File] // a file may be several pipelines
		said[pipeline.File] = said[pipeline.File] || err != nil
		switch {
		case err == nil:
			books[name] = &book{project: p, pipeline: pipeline, file: pipeline.File}
		case old != nil && old.broken == "" && old.file == pipeline.File:
			books[name] = old
			if !once {
				s.say(p, pipeline.File, "the file has mistakes; its last good version goes on")
			}
		case books[name] == nil:
			books[name] = &book{project: p, pipeline: pipeline, file: pipeline.File, broken: first(err)}
			if !once {
				s.say(p, pipeline.File, "the file has mistakes and cannot run")
			}
		}
	}
	s.keepUnread(p, books, found)
	s.main, s.books = p, books
	s.errors = p.Workspace.Report.Errors()
	s.secrets = p.Secrets()
}

// keepUnread keeps the pipelines of files that are still there and cannot be
// read as a pipeline any more.
func (s *shelf) keepUnread(p *project.Project, books map[string]*book, found map[string]bool) {
	said := map[string]bool{}
	for _, d := range p.Workspace.Report.Diagnostics() {
		if found[d.File] || said[d.File] || d.Severity != document.Error {
			continue
		}
		said[d.File] = true
		for name, old := range s.books {
			if old.file == d.File && books[name] == nil {
				books[name] = old
			}
		}
		s.say(p, d.File, "the file has mistakes; its last good version, if there was one, goes on")
	}
	for name, old := range s.books { // renamed into a mistake
		if books[name] == nil && old.broken == "" && found[old.file] && p.Workspace.Problems(old.pipeline).Errors() > 0 {
			books[name] = old
		}
	}
}

// say logs the findings of one file.
func (s *shelf) say(p *project.Project, file, message string) {
	for _, d := range p.Workspace.Report.Diagnostics() {
		if d.File == file && d.Severity == document.Error {
			s.log.Error(message, "at", fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column), "code", string(d.Code), "error", d.Message, "hint", d.Hint)
		}
	}
}

func first(err error) string {
	if found, ok := document.AsDiagnostics(err); ok && len(found) > 0 {
		return found.First().String()
	}
	return err.Error()
}

// fingerprint changes when a YAML file of the project does.
func (s *shelf) fingerprint() uint64 {
	h := fnv.New64a()
	_ = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // seen again at the next look
		case d.IsDir() && path != s.dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".yaml":
			return nil
		}
		note(h, path)
		return nil
	})
	return h.Sum64()
}

// note adds a file's size and time of change, if there is one.
func note(h hash.Hash, path string) {
	if info, err := os.Stat(path); err == nil {
		fmt.Fprintf(h, "%s\x00%d\x00%d\x00", path, info.Size(), info.ModTime().UnixNano())
	}
}

// fingerprintNamed changes when a file besides YAML does that timetables or
// the number of pipelines depend on.
func (s *shelf) fingerprintNamed() uint64 {
	seen := map[string]bool{}
	for _, b := range s.books {
		if sched := b.pipeline.Schedule; sched != nil && !sched.Holidays.IsZero() {
			seen[sched.Holidays.Value] = true
		}
		if each := b.pipeline.ForEach; each != nil && !each.In.IsZero() {
			seen[each.In.Value] = true
		}
	}
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		note(h, filepath.Join(s.dir, filepath.FromSlash(name)))
	}
	return h.Sum64()
}

func (s *shelf) project() *project.Project {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.main
}

func (s *shelf) name() string { return s.project().Workspace.Project.Project.Value }

// zone is that of the project, nil when it names none.
func (s *shelf) zone() *time.Location {
	z, err := time.LoadLocation(s.project().Workspace.Project.Timezone.Value)
	if err != nil {
		return nil
	}
	return z
}

func (s *shelf) concurrency() int { return s.project().Workspace.Project.Serve.Concurrency }

func (s *shelf) listen() string { return s.project().Workspace.Project.Serve.Listen.Value }

func (s *shelf) drain() time.Duration { return s.project().Workspace.Project.Serve.Drain.Std() }

func (s *shelf) history() time.Duration { return s.project().Workspace.Project.Serve.History.Std() }

// problems is how many errors the files have now.
func (s *shelf) problems() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.errors
}

// find gives the version of a pipeline that runs.
func (s *shelf) find(pipeline string) *book {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.books[pipeline]
}

func (s *shelf) names() map[string]bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make(map[string]bool, len(s.books))
	for name := range s.books {
		out[name] = true
	}
	return out
}

// redact takes the project's secrets out of a text.
func (s *shelf) redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// plans are what the engine is to know of the pipelines.
func (s *shelf) plans() []*schedule.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*schedule.Plan, 0, len(s.books))
	kept := make(map[string]*folder)
	for name, b := range s.books {
		out = append(out, b.plan(func(pattern string, settle time.Duration) *folder {
			id := fmt.Sprint(name, "\x00", pattern, "\x00", settle)
			if kept[id] = s.folders[id]; kept[id] == nil {
				kept[id] = newFolder(s.dir, pattern, settle)
			}
			return kept[id]
		}))
	}
	s.folders = kept
	return out
}
