package singer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// maxCatalog bounds what a tap says of its streams.
const maxCatalog = 64 << 20

// catalog is what a tap says of its streams, as it says it.
type catalog map[string]any

// discover asks the tap for its catalog.
func (t *tap) discover(ctx context.Context, arguments []string) (catalog, error) {
	var c catalog
	err := t.run(ctx, func(in io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(in, maxCatalog+1))
		if err != nil {
			return err
		}
		if len(text) > maxCatalog {
			return fmt.Errorf("%w: the catalog of the tap takes more than %d MiB", connectors.ErrConfig, maxCatalog>>20)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&c); err != nil || len(c.streams()) == 0 {
			return errNoCatalog
		}
		return nil
	}, append(slices.Clone(arguments), "--discover")...)
	return c, err
}

var errNoCatalog = fmt.Errorf("%w: the tap gives no catalog with --discover; leave discover out, or name a catalog", connectors.ErrConfig)

func (c catalog) streams() []map[string]any {
	list, _ := c["streams"].([]any)
	var streams []map[string]any
	for _, one := range list {
		if s, ok := one.(map[string]any); ok {
			streams = append(streams, s)
		}
	}
	return streams
}

func nameOf(stream map[string]any) string {
	for _, key := range []string{"stream", "stream_name", "tap_stream_id"} {
		if name, ok := stream[key].(string); ok && name != "" {
			return name
		}
	}
	return ""
}

// names lists the streams, sorted.
func (c catalog) names() []string {
	var names []string
	for _, s := range c.streams() {
		names = append(names, nameOf(s))
	}
	slices.Sort(names)
	return names
}

// choose selects one stream, all of it, and no other.
func (c catalog) choose(name string, o *SourceOptions) error {
	found := false
	for _, s := range c.streams() {
		mine := nameOf(s) == name || s["tap_stream_id"] == name
		found = found || mine
		s["selected"] = mine
		s["metadata"] = chosen(s["metadata"], mine, o)
		if method := method(o); mine && method != "" {
			s["replication_method"] = method
		}
		if mine && o.By.Value != "" {
			s["replication_key"] = o.By.Value
		}
	}
	if !found {
		return fmt.Errorf("%w: the tap has no stream %q; %s", connectors.ErrConfig, name, document.Suggest(name, c.names()).Hint)
	}
	return nil
}

func method(o *SourceOptions) string { return strings.ToUpper(o.Replication) }

// chosen is the metadata of a stream with its choice.
func chosen(metadata any, mine bool, o *SourceOptions) []any {
	list, _ := metadata.([]any)
	var root map[string]any
	for _, one := range list {
		entry, _ := one.(map[string]any)
		inner, _ := entry["metadata"].(map[string]any)
		path, _ := entry["breadcrumb"].([]any)
		switch {
		case inner == nil:
		case len(path) == 0:
			root = inner
		case inner["inclusion"] != "unsupported":
			inner["selected"] = mine
		}
	}
	if root == nil {
		root = make(map[string]any)
		list = append(list, map[string]any{"breadcrumb": []any{}, "metadata": root})
	}
	root["selected"] = mine
	if method := method(o); mine && method != "" {
		root["replication-method"] = method
	}
	if mine && o.By.Value != "" {
		root["replication-key"] = o.By.Value
	}
	return list
}

// Streams lists the streams of the tap's catalog.
func (s *source) Streams(ctx context.Context) (names []string, err error) {
	t, err := newTap(s.env, s.conn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	arguments, err := t.configured()
	if err != nil {
		return nil, err
	}
	c, err := t.discover(ctx, arguments)
	if err != nil {
		return nil, err
	}
	return c.names(), nil
}
