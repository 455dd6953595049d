package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/record"
)

// sink writes files into one folder.
type sink struct {
	env     connectors.Env
	conn    *Connection
	options SinkOptions
}

func newSink(env connectors.Env, c *Connection, o *SinkOptions) (connectors.Sink, error) {
	return &sink{env: env, conn: c, options: *o}, nil
}

// target opens the folder for one load. The caller closes the store.
func (s *sink) target(ctx context.Context, load connectors.Load) (written, error) {
	store, err := s.conn.open(ctx, s.env)
	if err != nil {
		return written{}, err
	}
	name, ok := place.Inside(store, load.Stream)
	if !ok {
		store.Close()
		return written{}, fmt.Errorf("%w: stream %q leaves the folder of the connection", connectors.ErrConfig, load.Stream)
	}
	return written{store: store, name: name, spool: s.env.Spool}, nil
}

// Begin takes the next epoch and opens the temporary file.
func (s *sink) Begin(ctx context.Context, load connectors.Load) (connectors.Writer, error) {
	format, err := checkLoad(&s.options, load)
	if err == nil {
		err = fitsShape(format, load)
	}
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, load)
	if err != nil {
		return nil, err
	}
	w, err := s.begin(ctx, t, format, load)
	if err != nil {
		t.store.Close()
		return nil, err
	}
	return w, nil
}

func (s *sink) begin(ctx context.Context, t written, format string, load connectors.Load) (*writer, error) {
	if err := t.store.Prepare(ctx, t.name); err != nil {
		return nil, err
	}
	staged, parcel, err := t.store.Stage(ctx, t.name, load.ID)
	if err != nil {
		return nil, err
	}
	var left place.Parcel
	var was bool
	m, err := t.change(ctx, func(m *manifest) (bool, error) {
		pos := m.Positions[owner(load)]
		pos.Epoch++
		m.Positions[owner(load)] = pos
		left, was = m.open(owner(load), parcel)
		return true, nil
	})
	if err != nil {
		staged.Close()
		return nil, errors.Join(err, t.store.Discard(context.WithoutCancel(ctx), t.name, parcel))
	}
	if was && m.find(left.Load) == nil { // a load that ended without a word
		if err := t.store.Discard(ctx, t.name, left); err != nil {
			s.log("what an earlier load left could not be removed", err)
		}
	}
	w := &writer{target: t, format: format, load: load, epoch: m.Positions[owner(load)].Epoch, base: m.last(), file: staged, parcel: parcel}
	if err := w.open(ctx, s.options.SpreadsheetSafe); err != nil {
		staged.Close()
		w.forget()
		return nil, errors.Join(err, t.store.Discard(context.WithoutCancel(ctx), t.name, parcel))
	}
	return w, nil
}

func (s *sink) log(what string, err error) {
	if s.env.Log != nil {
		s.env.Log.Warn(what, "error", err)
	}
}

// checkLoad gives the format of what a load writes, if there is one that can
// hold it.
func checkLoad(o *SinkOptions, load connectors.Load) (string, error) {
	format, err := formatOf(o.Format, load.Stream)
	if err != nil {
		return "", err
	}
	return format, fitsFormat(format, load)
}

// fitsFormat refuses a load that a format cannot be written by.
func fitsFormat(format string, load connectors.Load) error {
	if format == "xlsx" || format == "xml" || slices.ContainsFunc(strings.Split(load.Stream, "/"), zipped) {
		return fmt.Errorf("%w: %q cannot be written; write csv, json, jsonl or parquet, also packed as .gz", connectors.ErrConfig, load.Stream)
	}
	if load.Mode == connectors.Upsert && len(load.Key) == 0 {
		return fmt.Errorf("%w: mode upsert needs a key", connectors.ErrConfig)
	}
	if format == "json" && load.Mode != connectors.Replace {
		return fmt.Errorf("%w: a JSON document is written whole; use mode: replace, or the format jsonl", connectors.ErrConfig)
	}
	return nil
}

// fitsShape refuses records that a format cannot hold.
func fitsShape(format string, load connectors.Load) error {
	for _, name := range load.Key {
		if load.Shape.Index(name) < 0 {
			return fmt.Errorf("%w: the key field %q is not among the fields that reach the sink (%s)", connectors.ErrConfig, name, load.Shape)
		}
	}
	if format == "csv" && slices.ContainsFunc(load.Shape.Fields, func(f record.Field) bool { return f.Kind.Nested() }) {
		return fmt.Errorf("%w: a CSV file has no lists or records; explode or select the fields %s, or write jsonl", connectors.ErrConfig, load.Shape)
	}
	return nil
}

// Settle looks the load up in the manifest; what it left unfinished is
// removed.
func (s *sink) Settle(ctx context.Context, load connectors.Load) (connectors.Ledger, bool, error) {
	t, err := s.target(ctx, load)
	if err != nil {
		return connectors.Ledger{}, false, err
	}
	defer t.store.Close()
	if _, near := t.store.(*place.Local); near {
		if _, err := t.store.Stat(ctx, path.Dir(t.name)); errors.Is(err, fs.ErrNotExist) {
			return connectors.Ledger{}, false, nil
		}
	}
	var found *connectors.Ledger
	left := place.Parcel{Load: load.ID}
	_, err = t.change(ctx, func(m *manifest) (bool, error) {
		if found = m.find(load.ID); found != nil {
			return false, nil
		}
		// The epoch grows, so that a process that still writes this load
		// cannot commit it afterwards.
		pos := m.Positions[owner(load)]
		pos.Epoch++
		m.Positions[owner(load)] = pos
		if open, has := m.Open[owner(load)]; has && open.Load == load.ID {
			left = open
			delete(m.Open, owner(load))
		}
		return true, nil
	})
	if err != nil {
		return connectors.Ledger{}, false, err
	}
	if found != nil {
		return *found, true, nil
	}
	return connectors.Ledger{}, false, t.store.Discard(ctx, t.name, left)
}

// Position reads the last committed position.
func (s *sink) Position(ctx context.Context, load connectors.Load) (connectors.Position, bool, error) {
	t, err := s.target(ctx, load)
	if err != nil {
		return connectors.Position{}, false, err
	}
	defer t.store.Close()
	m, err := t.read(ctx)
	if err != nil {
		return connectors.Position{}, false, err
	}
	pos, found := m.Positions[owner(load)]
	return pos, found && (pos.LoadID != "" || pos.Field != ""), nil
}

// SetPosition writes a position by hand, or removes it when pos is nil. The
// epoch grows, so that a run under way cannot overwrite it.
func (s *sink) SetPosition(ctx context.Context, load connectors.Load, pos *connectors.Position) error {
	t, err := s.target(ctx, load)
	if err != nil {
		return err
	}
	defer t.store.Close()
	_, err = t.change(ctx, func(m *manifest) (bool, error) {
		epoch := m.Positions[owner(load)].Epoch + 1
		next := connectors.Position{}
		if pos != nil {
			next = *pos
		}
		next.Epoch = epoch
		m.Positions[owner(load)] = next
		return true, nil
	})
	return err
}

// Check proves that the folder can be written.
func (s *sink) Check(ctx context.Context) error {
	store, err := s.conn.open(ctx, s.env)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := checkFolder(ctx, store); err != nil {
		return err
	}
	const probe, load = "tieout-check", "check"
	if _, near := store.(*place.Local); !near {
		return store.Prepare(ctx, probe)
	}
	staged, parcel, err := store.Stage(ctx, probe, load)
	if err != nil {
		return err
	}
	staged.Close()
	return store.Discard(ctx, probe, parcel)
}
