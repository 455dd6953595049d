package singer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// positionField is the field of a position that holds a tap's state.
const positionField = "state"

// source reads the streams of one tap.
type source struct {
	env     connectors.Env
	conn    *Connection
	options SourceOptions
}

func newSource(env connectors.Env, c *Connection, o *SourceOptions) (connectors.Source, error) {
	if _, err := c.words(); err != nil {
		return nil, err
	}
	return &source{env: env, conn: c, options: *o}, nil
}

// Open runs the tap to its end.
func (s *source) Open(ctx context.Context, read connectors.Read) (out connectors.Reader, err error) {
	t, err := newTap(s.env, s.conn)
	if err != nil {
		return nil, err
	}
	r := &reader{name: read.Stream, limits: s.env.Limits, others: make(map[string]int64)}
	defer func() {
		err = errors.Join(err, t.Close())
		if err != nil && r.spool != nil {
			err = errors.Join(err, r.spool.Close())
			out = nil
		}
	}()
	arguments, err := s.arguments(ctx, t, &read, r)
	if err != nil {
		return nil, err
	}
	if r.spool, err = newRecordSpool(s.env.Spool); err != nil {
		return nil, err
	}
	err = t.run(ctx, func(in io.Reader) error { return scanLines(in, s.env.Limits.RecordBytes, r.take) }, arguments...)
	if err != nil {
		return nil, err
	}
	return r, r.settle(read)
}

// arguments are those the tap is run with.
func (s *source) arguments(ctx context.Context, t *tap, read *connectors.Read, r *reader) ([]string, error) {
	arguments, err := t.configured()
	if err != nil {
		return nil, err
	}
	catalog, err := s.catalog(ctx, t, arguments, read.Stream)
	if err != nil {
		return nil, err
	}
	if catalog != "" {
		arguments = append(arguments, "--catalog", catalog)
	}
	if b := read.Before; b != nil && b.Field == positionField && !read.Afresh {
		if !json.Valid([]byte(b.Text)) {
			return nil, fmt.Errorf("%w: the position is no state of a tap; run `tieout state reset` to read from the beginning", connectors.ErrConfig)
		}
		path, err := t.file("state.json", []byte(b.Text))
		if err != nil {
			return nil, err
		}
		r.before, r.state = true, b.Text
		arguments = append(arguments, "--state", path)
	}
	return arguments, nil
}

// configured writes the tap's configuration and gives the arguments for it.
func (t *tap) configured() ([]string, error) {
	if t.conn.Config == nil {
		return nil, nil
	}
	path, err := t.file("config.json", t.conn.Config.append(nil))
	return []string{"--config", path}, err
}

// catalog gives the path of the catalog, "" for none.
func (s *source) catalog(ctx context.Context, t *tap, arguments []string, stream string) (string, error) {
	switch {
	case s.conn.Discover:
		c, err := t.discover(ctx, arguments)
		if err != nil {
			return "", err
		}
		if err := c.choose(stream, &s.options); err != nil {
			return "", err
		}
		text, err := json.Marshal(c)
		if err != nil {
			return "", err
		}
		return t.file("catalog.json", text)
	case s.conn.Catalog.Value != "":
		path := s.conn.Catalog.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.env.Dir, path)
		}
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%w: catalog: %w", connectors.ErrConfig, err)
		}
		return path, nil
	case s.options.Replication != "" || s.options.By.Value != "":
		return "", fmt.Errorf("%w: replication is chosen in the catalog, which the connection has the tap make with discover: true", connectors.ErrConfig)
	}
	return "", nil
}

// Fields gives the shape of a stream.
func (s *source) Fields(ctx context.Context, read connectors.Read) (*record.Shape, error) {
	r, err := s.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	return r.Shape(), r.Close()
}

// Check makes sure that the program is there.
func (s *source) Check(context.Context) error {
	words, err := s.conn.words()
	if err != nil {
		return err
	}
	name := words[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join((&tap{conn: s.conn, env: s.env}).dir(), name)
	}
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%w: find the tap: %w", connectors.ErrEnvironment, err)
	}
	return nil
}

// settle lays out what the tap has sent.
func (r *reader) settle(read connectors.Read) error {
	if err := r.spool.turn(); err != nil {
		return err
	}
	if r.schema == nil && !r.before && len(read.Fields) == 0 || r.schema == nil && len(r.others) > 0 {
		return r.unknown()
	}
	if r.schema != nil {
		fields, err := fieldsOf(r.schema, r.limits)
		if err != nil {
			return fmt.Errorf("%w: the schema of %s: %w", errTap, r.name, err)
		}
		read.Fields = lay(read.Fields, fields, read.Wanted)
		r.declared = read.Key
	}
	r.ahead = rows.NewAhead(r.item)
	samples, err := r.ahead.Look(sampleBytes)
	if err != nil {
		return err
	}
	r.vacant = r.ahead.Empty()
	if r.plan, err = rows.NewPlan(read, samples, r.limits); err != nil {
		return err
	}
	r.fill = rows.NewFiller(r.plan, func(it rows.Item) string { return fmt.Sprintf("line %d of the tap", it.Line) })
	return nil
}

// unknown says that the tap did not speak of the stream.
func (r *reader) unknown() error {
	var names []string
	for name := range r.others {
		names = append(names, name)
	}
	hint := document.Suggest(r.name, names).Hint
	if len(names) == 0 {
		hint = "it printed nothing; most taps need config, and discover: true or a catalog"
	}
	return fmt.Errorf("%w: the tap sent no stream %q; %s", connectors.ErrConfig, r.name, hint)
}
