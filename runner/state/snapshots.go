package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// Snapshot names what one load read, kept for the next run to compare with.
type Snapshot struct{ Project, Environment, Pipeline, LoadID string }

func (n Snapshot) args(more ...any) []any {
	return append([]any{n.Project, n.Environment, n.Pipeline, n.LoadID}, more...)
}

var snapshotTables = []string{
	// ending is 1 in the last part of a snapshot that is whole.
	`CREATE TABLE tieout_snapshots (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		load_id TEXT NOT NULL, part BIGINT NOT NULL, ending BIGINT NOT NULL, data BYTEA NOT NULL,
		PRIMARY KEY (project, environment, pipeline, load_id, part))`,
}

// snapshotPart is how many bytes one row of the store holds.
const snapshotPart = 512 << 10

// WriteSnapshot keeps bytes under a name, in parts that are durable one by
// one. It is whole once Close returned nil; what a crash leaves unfinished
// cannot be read, and DropSnapshots removes it.
func (s *Store) WriteSnapshot(ctx context.Context, name Snapshot) io.WriteCloser {
	return &snapshotWriter{ctx: ctx, s: s, name: name}
}

type snapshotWriter struct {
	ctx  context.Context //nolint:containedctx // of the run it belongs to
	s    *Store
	name Snapshot
	part int
	buf  []byte
}

// Write gathers bytes and stores whole parts.
func (w *snapshotWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	for len(w.buf) >= snapshotPart {
		if err := w.store(w.buf[:snapshotPart], false); err != nil {
			return 0, err
		}
		w.buf = append(w.buf[:0], w.buf[snapshotPart:]...)
	}
	return len(p), nil
}

// Close stores the last part.
func (w *snapshotWriter) Close() error { return w.store(w.buf, true) }

func (w *snapshotWriter) store(data []byte, last bool) error {
	ending := 0
	if last {
		ending = 1
	}
	_, err := w.s.db.ExecContext(w.ctx, w.s.db.Rebind(`INSERT INTO tieout_snapshots (project, environment, pipeline, load_id, part, ending, data) VALUES (?,?,?,?,?,?,?)`),
		w.name.args(w.part, ending, append([]byte{}, data...))...)
	if err != nil {
		return fmt.Errorf("keep the snapshot of load %s: %w", w.name.LoadID, w.s.named(err))
	}
	w.part++
	return nil
}

// ReadSnapshot reads what WriteSnapshot kept. A snapshot that is not there, or
// not whole, is ErrMissing when it is read.
func (s *Store) ReadSnapshot(ctx context.Context, name Snapshot) io.Reader {
	return &snapshotReader{ctx: ctx, s: s, name: name}
}

type snapshotReader struct {
	ctx  context.Context //nolint:containedctx // of the run it belongs to
	s    *Store
	name Snapshot
	part int
	buf  []byte
	done bool
}

// Read gives the next bytes.
func (r *snapshotReader) Read(p []byte) (int, error) {
	for len(r.buf) == 0 {
		if r.done {
			return 0, io.EOF
		}
		var ending int
		err := r.s.db.QueryRowxContext(r.ctx, r.s.db.Rebind(`SELECT ending, data FROM tieout_snapshots
			WHERE project = ? AND environment = ? AND pipeline = ? AND load_id = ? AND part = ?`), r.name.args(r.part)...).Scan(&ending, &r.buf)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("the snapshot of load %s: %w", r.name.LoadID, ErrMissing)
		}
		if err != nil {
			return 0, r.s.named(err)
		}
		r.part, r.done = r.part+1, ending == 1
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

// DropSnapshots removes the snapshots of a pipeline but for that of the load
// in keep.
func (s *Store) DropSnapshots(ctx context.Context, keep Snapshot) error {
	_, err := s.db.ExecContext(ctx, s.db.Rebind(`DELETE FROM tieout_snapshots WHERE project = ? AND environment = ? AND pipeline = ? AND load_id <> ?`), keep.args()...)
	return s.named(err)
}
