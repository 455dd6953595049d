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
	"github.com/tieout/tieout/schemas/record"
)

// sink writes files into one folder.
type sink struct {
	env     connectors.Env
	folder  string
	options SinkOptions
}

func newSink(env connectors.Env, c *Connection, o *SinkOptions) (connectors.Sink, error) {
	return &sink{env: env, folder: c.Path.Value, options: *o}, nil
}

func (s *sink) place(load connectors.Load) (place, error) {
	root, err := openRoot(s.env, s.folder)
	if err != nil {
		return place{}, err
	}
	name, ok := inside(root, load.Stream)
	if !ok {
		root.Close()
		return place{}, fmt.Errorf("%w: stream %q leaves the folder of the connection", connectors.ErrConfig, load.Stream)
	}
	return place{root: root, data: name}, nil
}

// Begin takes the next epoch and opens the temporary file.
func (s *sink) Begin(_ context.Context, load connectors.Load) (connectors.Writer, error) {
	format, err := formatOf(s.options.Format, load.Stream)
	if err != nil {
		return nil, err
	}
	if err := fitsFormat(format, load); err != nil {
		return nil, err
	}
	p, err := s.place(load)
	if err != nil {
		return nil, err
	}
	w, err := s.begin(p, format, load)
	if err != nil {
		p.root.Close()
		return nil, err
	}
	return w, nil
}

func (s *sink) begin(p place, format string, load connectors.Load) (*writer, error) {
	if dir := path.Dir(p.data); dir != "." {
		if err := p.root.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
		}
	}
	unlock, err := p.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	m, err := p.read()
	if err != nil {
		return nil, err
	}
	pos := m.Positions[owner(load)]
	pos.Epoch++
	m.Positions[owner(load)] = pos
	if err := p.write(m); err != nil {
		return nil, err
	}
	return openWriter(p, format, s.options.SpreadsheetSafe, load, pos.Epoch)
}

// fitsFormat refuses what a format cannot hold.
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

// Settle looks the load up in the manifest; an unfinished temporary file of
// it is removed.
func (s *sink) Settle(_ context.Context, load connectors.Load) (connectors.Ledger, bool, error) {
	p, err := s.place(load)
	if err != nil {
		return connectors.Ledger{}, false, err
	}
	defer p.root.Close()
	if _, err := p.root.Stat(path.Dir(p.data)); errors.Is(err, fs.ErrNotExist) {
		return connectors.Ledger{}, false, nil
	}
	unlock, err := p.lock()
	if err != nil {
		return connectors.Ledger{}, false, err
	}
	defer unlock()
	m, err := p.read()
	if err != nil {
		return connectors.Ledger{}, false, err
	}
	if l := m.find(load.ID); l != nil {
		return *l, true, nil
	}
	// The epoch grows, so that a process that still writes this load cannot
	// commit it afterwards.
	pos := m.Positions[owner(load)]
	pos.Epoch++
	m.Positions[owner(load)] = pos
	if err := p.write(m); err != nil {
		return connectors.Ledger{}, false, err
	}
	if err := p.root.Remove(p.temp(load.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return connectors.Ledger{}, false, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	return connectors.Ledger{}, false, nil
}

// Position reads the last committed position.
func (s *sink) Position(_ context.Context, load connectors.Load) (connectors.Position, bool, error) {
	p, err := s.place(load)
	if err != nil {
		return connectors.Position{}, false, err
	}
	defer p.root.Close()
	m, err := p.read()
	if err != nil {
		return connectors.Position{}, false, err
	}
	pos, found := m.Positions[owner(load)]
	return pos, found && (pos.LoadID != "" || pos.Field != ""), nil
}

// SetPosition writes a position by hand, or removes it when pos is nil. The
// epoch grows, so that a run under way cannot overwrite it.
func (s *sink) SetPosition(_ context.Context, load connectors.Load, pos *connectors.Position) error {
	p, err := s.place(load)
	if err != nil {
		return err
	}
	defer p.root.Close()
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	m, err := p.read()
	if err != nil {
		return err
	}
	epoch := m.Positions[owner(load)].Epoch + 1
	next := connectors.Position{Epoch: epoch}
	if pos != nil {
		next = *pos
		next.Epoch = epoch
	}
	m.Positions[owner(load)] = next
	return p.write(m)
}

// Check proves that the folder can be written.
func (s *sink) Check(context.Context) error {
	root, err := openRoot(s.env, s.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	const probe = ".tieout-check.tmp"
	f, err := root.Create(probe)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	f.Close()
	return root.Remove(probe)
}
