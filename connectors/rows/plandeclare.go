package rows

import (
	"fmt"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// declare puts a declared field in the tree: at the first of its paths that
// was seen, and at those that stand in its place in other records.
func (n *node) declare(spec *connectors.FieldSpec, column int, seen *node, read connectors.Read) (record.Field, error) {
	caster, err := connectors.NewCaster(*spec, '.', read.Zone)
	if err != nil {
		return record.Field{}, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	paths := spec.Columns
	if len(paths) == 0 {
		paths = []string{spec.Name}
	}
	paths, there := seen.choose(paths)
	if !there && !spec.Optional && len(seen.nodes) > 0 {
		return record.Field{}, &connectors.MissingColumnError{Input: read.Stream, Field: spec.Name, Columns: paths, Known: seen.names()}
	}
	var from *node
	places := make([]*node, 0, len(paths))
	for i, path := range paths {
		at, found := n, seen
		for _, part := range pathParts(seen, path) {
			at = at.member(part)
			if found != nil {
				found = found.find([]byte(part))
			}
		}
		if i > 0 && at.column >= 0 {
			continue // another field's own
		}
		at.column, at.kind, at.listed = column, spec.Kind, true
		if spec.Kind != record.Text && !spec.Kind.Nested() {
			at.caster = caster
		}
		from = merged(from, found)
		places = append(places, at)
	}
	f := caster.Field()
	if spec.Kind.Nested() && (len(spec.Fields) > 0 || from != nil && len(from.nodes) > 0) {
		if from == nil {
			from = &node{}
		}
		if err := places[0].lay(spec.Fields, from, nil, read); err != nil {
			return f, err
		}
		f.Child = places[0].shape
		for _, at := range places[1:] {
			at.nodes, at.index, at.shape, at.listing = places[0].nodes, places[0].index, places[0].shape, places[0].listing
		}
	}
	return f, nil
}

// choose puts the first path that was seen in front, and behind it those that
// are never beside it in one record: the names other records have for the same
// thing. Those that were not seen at all may come yet.
func (n *node) choose(paths []string) (chosen []string, there bool) {
	for i, p := range paths {
		if !n.has(p) {
			continue
		}
		chosen = append(chosen, p)
		for k, other := range paths {
			if k != i && !(n.has(other) && n.together(p, other)) {
				chosen = append(chosen, other)
			}
		}
		return chosen, true
	}
	return paths, false
}

// together reports whether a record has both paths; where that cannot be told,
// as inside a list, it may.
func (n *node) together(a, b string) bool {
	if n.samples == nil {
		return true
	}
	for _, raw := range n.samples {
		one := &node{column: -1}
		limits := connectors.DefaultLimits()
		if inspect(one, jx.DecodeBytes(raw), limits, limits.Depth) == nil && one.has(a) && one.has(b) {
			return true
		}
	}
	return false
}

// merged is what was seen at two places as if it were one.
func merged(a, b *node) *node {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	both := &node{name: a.name, column: -1, kind: a.kind, listed: a.listed || b.listed, texted: a.texted || b.texted, met: a.met | b.met}
	if both.kind == record.Unknown {
		both.kind = b.kind
	}
	for _, m := range a.nodes {
		both.add(merged(m, b.find([]byte(m.name))))
	}
	for _, m := range b.nodes {
		if a.find([]byte(m.name)) == nil {
			both.add(m)
		}
	}
	return both
}
