//go:build planted

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/faults"
	"github.com/tieout/tieout/schemas/record"
)

// Bugs planted in the connectors of the child process. A kill test that did
// not find them would be worth nothing; `make soak` runs this with the build
// tag planted.

const plantedBug = "TIEOUT_PLANTED_BUG"

// bugs are the mistakes, each with the step to kill at; where there is none
// the run itself must notice and fail.
var bugs = map[string]string{
	"settle finds nothing":   "after commit",
	"the cursor is strict":   "before commit",
	"the sink drops a batch": "",
	"the source loses a row": "",
}

func planted(def connectors.Definition) connectors.Definition {
	bug := os.Getenv(plantedBug)
	source, sink := def.NewSource, def.NewSink
	def.NewSource = func(env connectors.Env, c, o any) (connectors.Source, error) {
		s, err := source(env, c, o)
		return buggySource{s, bug}, err
	}
	def.NewSink = func(env connectors.Env, c, o any) (connectors.Sink, error) {
		s, err := sink(env, c, o)
		return buggySink{s, bug}, err
	}
	return def
}

type buggySource struct {
	connectors.Source
	bug string
}

func (s buggySource) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	r, err := s.Source.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	from := ""
	if read.Cursor != nil {
		from = read.Cursor.From
	}
	return &buggyReader{Reader: r, bug: s.bug, from: from}, nil
}

type buggyReader struct {
	connectors.Reader
	bug, from string
	lost      bool
}

func (r *buggyReader) Next(ctx context.Context, b *record.Batch) error {
	err := r.Reader.Next(ctx, b)
	switch {
	case err != nil:
	case r.bug == "the source loses a row" && !r.lost && len(b.Live) > 0:
		r.lost = true
		b.Live = b.Live[1:]
	case r.bug == "the cursor is strict" && r.from != "":
		r.strict(b)
	}
	return err
}

// strict leaves out what lies exactly at the last position.
func (r *buggyReader) strict(b *record.Batch) {
	c := b.Column("updated")
	var kept []int32
	for row := range int32(b.Rows) {
		if c.Presence[row] != record.Value || fmt.Sprint(c.Ints[row]) != r.from {
			kept = append(kept, row)
		}
	}
	var out record.Batch
	b.Pick(&out, kept)
	*b = out
}

type buggySink struct {
	connectors.Sink
	bug string
}

func (s buggySink) Settle(ctx context.Context, l connectors.Load) (connectors.Ledger, bool, error) {
	ledger, found, err := s.Sink.Settle(ctx, l)
	return ledger, found && s.bug != "settle finds nothing", err
}

func (s buggySink) Begin(ctx context.Context, l connectors.Load) (connectors.Writer, error) {
	w, err := s.Sink.Begin(ctx, l)
	switch {
	case err != nil:
		return nil, err
	case s.bug == "the sink drops a batch":
		return &droppingWriter{Writer: w}, nil
	case s.bug == brokenCommit:
		return carelessWriter{w}, nil
	}
	return w, nil
}

// brokenCommit is the bug that TestPlantedBugInFaults plants.
const brokenCommit = "a commit that broke off is taken for done"

type carelessWriter struct{ connectors.Writer }

func (w carelessWriter) Commit(ctx context.Context, l connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	r, err := w.Writer.Commit(ctx, l, approve)
	if errors.Is(err, connectors.ErrEnvironment) || errors.Is(err, connectors.ErrCommitUnknown) {
		err = nil
	}
	return r, err
}

type droppingWriter struct {
	connectors.Writer
	dropped bool
}

func (w *droppingWriter) Write(ctx context.Context, b *record.Batch) error {
	if !w.dropped {
		w.dropped = true
		return nil
	}
	return w.Writer.Write(ctx, b)
}

// TestPlantedBugs wants every planted bug found.
func TestPlantedBugs(t *testing.T) {
	binary := buildBinary(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := scenes(t)[0]
	want := s.control(t, binary, "pc")
	found := 0
	for bug, step := range bugs {
		t.Run(bug, func(t *testing.T) {
			dir := s.prepare(t, binary, fmt.Sprintf("p%d", len(bug)))
			if step != "" {
				s.run(t, self, dir, plantedBug+"="+bug, killAt+"="+step+":1")
			}
			cmd := exec.Command(self)
			cmd.Env = append(append(os.Environ(), s.env...), plantedBug+"="+bug, killAt+"=none:0", killArgs+"=-C "+dir+" run charges")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Logf("the run itself noticed: %s", out)
				found++
				return
			}
			if s.state(t, dir) == want {
				t.Errorf("the bug was not found in %s", filepath.Base(dir))
				return
			}
			found++
		})
	}
	line(t, map[string]any{"test": "planted bugs", "planted": len(bugs), "found": found})
}

// TestPlantedBugInFaults wants found that a broken connection is not noticed.
func TestPlantedBugInFaults(t *testing.T) {
	binary := buildBinary(t)
	for n, f := range faultScenes(t) {
		if f.name != "sftp append" {
			continue
		}
		dir := f.prepare(t, binary, "pf")
		f.proxy.Arm(nil)
		f.run(t, binary, dir)
		up, down := f.proxy.Passed()
		want := f.state(t, dir)
		f.kinds = []faults.Kind{faults.Down}
		found := ""
		for i, fault := range f.moments(10, up, down, rand.New(rand.NewPCG(1, uint64(n)))) {
			if _, wrong := f.hit(t, binary, fmt.Sprintf("pf_%d", i), fault, want, plantedBug+"="+brokenCommit); wrong != "" {
				found, _, _ = strings.Cut(wrong, "\n")
				break
			}
		}
		if found == "" {
			t.Error("the bug was not found")
		}
		line(t, map[string]any{"test": "planted bug in faults", "planted": 1, "found": found})
	}
}

// TestPlantedBugInServe wants a slot that runs twice found.
func TestPlantedBugInServe(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u := unattendedScenes(t)[0]
	u.build(t)
	u.killAt(t, self, "after commit")
	u.killAt(t, self, "position", plantedBug+"=settle finds nothing")
	u.settle(t, buildBinary(t))
	_, wrong := u.check(t)
	if wrong == "" {
		t.Error("the bug was not found")
	}
	line(t, map[string]any{"test": "planted bug in serve", "planted": 1, "found": wrong})
}
