package place

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tieout/tieout/connectors"
)

// A request is tried this often before a server counts as not there, with
// growing waits; and a file is gone on with this often in all.
const (
	attempts   = 4
	firstPause = 200 * time.Millisecond
	mostBreaks = 100
)

// again tries until there is an answer: a nil error, or one that is not lost.
func again(ctx context.Context, lost func(error) bool, try func(ctx context.Context) error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := try(ctx)
		if err == nil || !lost(err) || n == attempts {
			return err
		}
		if err := connectors.Wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}

// readAhead is how much is asked for at once.
const readAhead = 1 << 20

// transfer reads a file from its front, and goes on where a connection broke
// off.
type transfer struct {
	ctx   context.Context
	entry Entry
	// from opens the file at an offset. It fails with ErrChanged when it is
	// another one by now.
	from func(ctx context.Context, offset int64) (io.ReadCloser, error)
	// same looks, at the end, whether it still is the same file.
	same func(ctx context.Context) error
	lost func(error) bool
	// unsafe says that bytes can be missing in the middle of what came when
	// it breaks off: it is not gone on with.
	unsafe bool

	in     io.ReadCloser
	buffer *bufio.Reader
	offset int64
	breaks int // in all
	failed int // since bytes came last
	err    error
}

// Read reads on, opening the file anew where it was cut short.
func (t *transfer) Read(p []byte) (int, error) {
	if len(p) == 0 || t.err != nil {
		return 0, t.err
	}
	for {
		if t.offset == t.entry.Size {
			if t.err = t.same(t.ctx); t.err == nil {
				t.err = io.EOF
			}
			return 0, t.err
		}
		n, err := t.read(p)
		if t.offset += int64(n); n > 0 {
			t.failed = 0
			if t.offset > t.entry.Size {
				t.err = fmt.Errorf("%w: %s: %w", connectors.ErrEnvironment, t.entry.Name, ErrChanged)
				return 0, t.err
			}
			return n, nil
		}
		if t.err = t.broke(err); t.err != nil {
			return 0, t.err
		}
	}
}

func (t *transfer) read(p []byte) (int, error) {
	if t.in == nil {
		in, err := t.from(t.ctx, t.offset)
		if err != nil {
			return 0, err
		}
		if t.in = in; t.buffer == nil {
			t.buffer = bufio.NewReaderSize(in, int(min(readAhead, max(t.entry.Size, 16))))
		} else {
			t.buffer.Reset(in)
		}
	}
	return t.buffer.Read(p)
}

// broke decides whether to go on after an error; nil says so.
func (t *transfer) broke(err error) error {
	if t.in != nil {
		t.in.Close()
		t.in = nil
	}
	ended := err == nil || errors.Is(err, io.EOF) // before all of it came
	if !ended && !t.lost(err) {
		return environment(fmt.Errorf("read %s: %w", t.entry.Name, err))
	}
	t.failed++
	t.breaks++
	if t.unsafe && t.offset > 0 {
		return fmt.Errorf("%w: read %s: %w", connectors.ErrEnvironment, t.entry.Name, ErrCut)
	}
	if t.failed == attempts || t.breaks == mostBreaks {
		if ended {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%w: read %s: it was cut short at byte %d of %d: %w", connectors.ErrEnvironment, t.entry.Name, t.offset, t.entry.Size, err)
	}
	return connectors.Wait(t.ctx, firstPause<<(t.failed-1))
}

// Close ends the reading.
func (t *transfer) Close() error {
	if t.in == nil {
		return nil
	}
	in := t.in
	t.in = nil
	return in.Close()
}

// watch calls stop when nothing has happened for a while.
type watch struct {
	timer *time.Timer
	limit time.Duration
}

func newWatch(limit time.Duration, stop func()) *watch {
	return &watch{timer: time.AfterFunc(limit, stop), limit: limit}
}

// alive says that something happened.
func (w *watch) alive() { w.timer.Reset(w.limit) }

func (w *watch) end() { w.timer.Stop() }
