package memory

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// sink writes loads into a database.
type sink struct{ db *Database }

// Begin takes the next epoch.
func (s *sink) Begin(_ context.Context, load connectors.Load) (connectors.Writer, error) {
	if len(load.Key) == 0 && (load.Mode == connectors.Upsert || load.Mode == connectors.History) {
		return nil, fmt.Errorf("%w: the mode %s needs a key", connectors.ErrConfig, load.Mode)
	}
	for _, k := range load.Key {
		if load.Shape.Index(k) < 0 {
			return nil, fmt.Errorf("%w: key %q is not among the fields", connectors.ErrConfig, k)
		}
	}
	return &writer{db: s.db, load: load, epoch: s.db.raise(load), kept: make(map[string]bool)}, nil
}

// raise fences every load of the pipeline that is open.
func (d *Database) raise(load connectors.Load) int64 {
	d.data.Lock()
	defer d.data.Unlock()
	e := d.positions[placeOf(load)]
	e.epoch++
	d.positions[placeOf(load)] = e
	return e.epoch
}

// Settle looks for the load, and fences it when it is not there.
func (s *sink) Settle(_ context.Context, load connectors.Load) (connectors.Ledger, bool, error) {
	s.db.commits.Lock()
	defer s.db.commits.Unlock()
	s.db.raise(load)
	s.db.data.Lock()
	defer s.db.data.Unlock()
	row, found := s.db.loads[load.ID]
	return row, found, nil
}

// Position reads the position of a pipeline.
func (s *sink) Position(_ context.Context, load connectors.Load) (connectors.Position, bool, error) {
	s.db.data.Lock()
	defer s.db.data.Unlock()
	if e := s.db.positions[placeOf(load)]; e.at != nil {
		return *e.at, true, nil
	}
	return connectors.Position{}, false, nil
}

// SetPosition writes the position of a pipeline and fences open loads.
func (s *sink) SetPosition(_ context.Context, load connectors.Load, pos *connectors.Position) error {
	s.db.commits.Lock()
	defer s.db.commits.Unlock()
	epoch := s.db.raise(load)
	s.db.setPosition(load, pos, epoch)
	return nil
}

func (d *Database) setPosition(load connectors.Load, pos *connectors.Position, epoch int64) {
	d.data.Lock()
	defer d.data.Unlock()
	e := entry{epoch: epoch}
	if pos != nil && pos.Field != "" {
		at := *pos
		at.Epoch, at.LoadID = epoch, load.ID
		e.at = &at
	}
	d.positions[placeOf(load)] = e
}

// writer keeps the rows of one load until it commits.
type writer struct {
	db      *Database
	load    connectors.Load
	epoch   int64
	rows    []staged
	refused []connectors.Refusal
	kept    map[string]bool // keys that are not missing
	keepAll bool
	done    bool
}

// staged is a row with the place it came from.
type staged struct {
	row     Row
	key     string
	refusal connectors.Refusal // what its refusal would be
}

// Write takes the live rows of a batch.
func (w *writer) Write(_ context.Context, b *record.Batch) error {
	w.db.data.Lock()
	w.db.writes++
	faults, n := w.db.faults, w.db.writes
	w.db.data.Unlock()
	if n == faults.FailWrite {
		return fmt.Errorf("%w: write %d fails as it was told to", connectors.ErrEnvironment, n)
	}
	for _, row := range b.Live {
		s := w.stage(b, int(row))
		reason := ""
		switch {
		case w.keyMissing(b, int(row)):
			reason = string(document.CodeSinkMissingKey) + ": the key has no value"
		case faults.RefuseKey != "" && (s.key == faults.RefuseKey || s.key == "" && s.row[w.load.Shape.Fields[0].Name] == faults.RefuseKey):
			reason = string(document.CodeSinkPoison) + ": refused as it was told to"
		}
		if reason == "" {
			w.rows = append(w.rows, s)
		} else if err := w.refuse(s, reason); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) stage(b *record.Batch, row int) staged {
	s := staged{row: make(Row)}
	for i := range b.Columns {
		if c := &b.Columns[i]; c.Presence[row] == record.Value {
			s.row[b.Shape.Fields[i].Name] = string(record.AppendValue(nil, &b.Shape.Fields[i], c, row))
		}
	}
	for n, k := range w.load.Key {
		if n > 0 {
			s.key += "|"
		}
		s.key += s.row[k]
	}
	s.refusal = connectors.Refusal{Seq: b.Seq, Row: int32(row), Key: s.key, Input: b.Origin.Input, Record: record.AppendRowJSON(nil, b, row)}
	if row < len(b.Origin.Line) {
		s.refusal.Line = b.Origin.Line[row]
	}
	return s
}

func (w *writer) keyMissing(b *record.Batch, row int) bool {
	if w.load.Mode == connectors.Append {
		return false
	}
	for _, k := range w.load.Key {
		if b.Column(k).Presence[row] != record.Value {
			return true
		}
	}
	return false
}

func (w *writer) refuse(s staged, reason string) error {
	if len(w.refused) >= w.load.MaxRefused {
		return fmt.Errorf("%w: more than %d", connectors.ErrTooManyRefused, w.load.MaxRefused)
	}
	s.refusal.Reason = reason
	w.kept[s.key] = true
	w.refused = append(w.refused, s.refusal)
	return nil
}

// Keep takes the keys of records that are not missing.
func (w *writer) Keep(_ context.Context, b *record.Batch) error {
	for _, row := range b.Live {
		w.kept[w.stage(b, int(row)).key] = true
	}
	return nil
}

// KeepAll takes nothing away.
func (w *writer) KeepAll() { w.keepAll = true }

// Abort forgets the rows.
func (w *writer) Abort(context.Context) error {
	w.done, w.rows = true, nil
	return nil
}
