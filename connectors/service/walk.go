package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

const (
	mostThings  = 1_000_000 // of one level of each
	mostPlaces  = 10_000_000
	mostWindows = 100_000
)

// walk goes through everything a stream is asked for with: parents and values
// in the order they are written, and stretches of time within them.
type walk struct {
	axes    []axis
	at      []int
	windows []window // of the place stood on
	window  int
	began   bool
	over    bool
	part    string // what the parents and values are called together
	parts   []partFrom
}

// partFrom notes with which page a part begins.
type partFrom struct {
	page   int
	name   string
	window string // under each, "" for none
}

// axis is one level: the parents or values there are.
type axis struct {
	name   string
	parent bool
	used   [][]string // paths of a parent that expressions look at
	things []thing
}

// thing is a parent, as what is used of it, or a value.
type thing struct {
	label string
	text  string
	used  [][]byte // JSON, one for each path used of a parent
}

// survey finds what the stream is asked for with, reading parents on the way.
func (f *fetcher) survey(ctx context.Context) error {
	f.walk = new(walk)
	places := 1
	for i := range f.stream.Each {
		e := &f.stream.Each[i]
		a := axis{name: e.name(), parent: e.Parent.Value != ""}
		var err error
		switch {
		case e.Window > 0:
			continue
		case a.parent:
			a.used = f.usedOf(a.name)
			a.things, err = f.parents(ctx, e, a.used)
		default:
			a.things, err = f.values(e)
		}
		if err != nil {
			return err
		}
		if places *= len(a.things); places > mostPlaces {
			return fmt.Errorf("%w: each: the stream is to be asked for more than %d combinations", connectors.ErrConfig, mostPlaces)
		}
		f.walk.axes = append(f.walk.axes, a)
	}
	f.walk.at = make([]int, len(f.walk.axes))
	return nil
}

func (f *fetcher) values(e *Each) ([]thing, error) {
	texts, err := f.world.listed(e.Values, f.conn)
	if err != nil {
		return nil, err
	}
	var out []thing
	seen := make(map[string]bool)
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			out = append(out, thing{label: text, text: text})
		}
	}
	return out, nil
}

// usedOf lists the paths of a parent that expressions look at.
func (f *fetcher) usedOf(name string) [][]string {
	var out [][]string
	seen := make(map[string]bool)
	add := func(path []string) {
		if key := dotted(path); len(path) > 0 && !seen[key] {
			seen[key] = true
			out = append(out, path)
		}
	}
	f.stream.formulas(f.conn, func(x *formula) {
		for _, path := range x.parent {
			add(path)
		}
		for _, path := range x.each {
			if path[0] == name {
				add(path[1:])
			}
		}
	})
	return out
}

// parents reads the stream of parents and keeps what is used of each.
func (f *fetcher) parents(ctx context.Context, e *Each, used [][]string) (out []thing, err error) {
	stream, _ := f.conn.Streams.Get(e.Parent.Value)
	read := connectors.Read{Stream: e.Parent.Value, Zone: f.zone, Fields: connectors.Specs(&stream.Fields)}
	sub, err := f.source.fetcher(&read, &stream)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sub.close()) }()
	seen := make(map[string]bool)
	var keep *recordTest
	for {
		it, err := sub.next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err == nil && it.Err != nil {
			err = fmt.Errorf("stream %q, %s: %w", read.Stream, place(it), it.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("each: %w", err)
		}
		if e.KeepIf.set() {
			if keep == nil {
				if keep, err = newRecordTest(&e.KeepIf, &read, sub.written, f.limits); err != nil {
					return nil, err
				}
			}
			if keep.ask(it) == expression.False {
				continue
			}
		}
		one, err := parentOf(it, used, stream.Key)
		if err != nil {
			return nil, fmt.Errorf("each: stream %q, %s: %w", read.Stream, place(it), err)
		}
		if seen[one.label] {
			continue // listed twice
		}
		seen[one.label] = true
		if out = append(out, one); len(out) > mostThings {
			return nil, fmt.Errorf("%w: each: the stream %q has more than %d records", connectors.ErrConfig, read.Stream, mostThings)
		}
	}
}

// parentOf takes what is used out of a parent. Its label is its key, or all of
// that where the stream has none.
func parentOf(it rows.Item, used [][]string, key []document.Text) (thing, error) {
	var t thing
	read := func(path []string) ([]byte, string, error) {
		var b branch
		raw := textIn(below(it.Raw, path))
		if raw == nil {
			return nil, "", nil
		}
		err := b.setJSON(raw)
		return bytes.Clone(raw), b.words(), err
	}
	var all, keys []string
	for _, path := range used {
		raw, words, err := read(path)
		if err != nil {
			return t, err
		}
		t.used, all = append(t.used, raw), append(all, words)
	}
	for _, name := range key {
		_, words, err := read(splitPath(name.Value))
		if err != nil {
			return t, err
		}
		keys = append(keys, words)
	}
	if t.label = strings.Join(all, " "); len(keys) > 0 {
		t.label = strings.Join(keys, " ")
	}
	return t, nil
}

// move stands on the next place the stream is asked for; false is the end.
func (f *fetcher) move(ctx context.Context) (bool, error) {
	if f.walk == nil {
		if err := f.survey(ctx); err != nil {
			return false, err
		}
	}
	k := f.walk
	for {
		if k.began && !k.over && k.window+1 < len(k.windows) {
			k.window++
			f.overlap.turn()
			return true, f.stop(ctx)
		}
		if k.over = k.over || !k.turn(); k.over {
			return false, nil
		}
		f.overlap.reset()
		if err := f.settle(); err != nil {
			return false, err
		}
		if len(k.windows) > 0 {
			return true, f.stop(ctx)
		}
	}
}

// turn goes to the next combination of parents and values.
func (k *walk) turn() bool {
	if !k.began {
		k.began = true
		for i := range k.axes {
			if len(k.axes[i].things) == 0 {
				return false
			}
		}
		return true
	}
	for i := len(k.at) - 1; i >= 0; i-- {
		if k.at[i]++; k.at[i] < len(k.axes[i].things) {
			return true
		}
		k.at[i] = 0
	}
	return false
}

// settle tells the world the combination stood on, and finds its windows.
func (f *fetcher) settle() error {
	k := f.walk
	var labels []string
	for i := range k.axes {
		a := &k.axes[i]
		one := &a.things[k.at[i]]
		labels = append(labels, one.label)
		if !a.parent {
			f.world.change("each", a.name).setText(one.text)
			continue
		}
		for p, path := range a.used {
			for _, root := range [][]string{{"each", a.name}, {"parent"}} {
				b := f.world.change(append(root, path...)...)
				b.none()
				if len(b.kids) > 0 || len(one.used[p]) == 0 {
					continue
				}
				if err := b.setJSON(one.used[p]); err != nil {
					return err
				}
			}
		}
	}
	k.part = partName(labels)
	k.window = 0
	var err error
	k.windows, err = f.windowsOf(k.part)
	return err
}

// partName is what a combination is called in a position.
func partName(labels []string) string {
	const most = 80
	name := strings.Join(labels, "/")
	if len(name) <= most && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return name
	}
	sum := sha256.Sum256([]byte(strings.Join(labels, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// stop begins the pages of the place stood on.
func (f *fetcher) stop(ctx context.Context) error {
	k := f.walk
	f.bound(k.windows[k.window])
	f.overlap.on = len(k.windows) > 1
	here := partFrom{page: f.pages + 1, name: k.part, window: k.windows[k.window].name()}
	if n := len(k.parts); n == 0 || k.parts[n-1].name != here.name || k.parts[n-1].window != here.window {
		k.parts = append(k.parts, here)
	}
	f.ended, f.link, f.token, f.number, f.first = false, nil, "", 0, f.pages
	f.world.change("page", "token").none()
	clear(f.served)
	clear(f.asked)
	f.begin()
	if err := f.copies(); err != nil {
		return err
	}
	return f.export(ctx)
}

// parted reports whether the stream is asked for with parents or values.
func (d *StreamDef) parted() bool {
	for i := range d.Each {
		if d.Each[i].Window == 0 {
			return true
		}
	}
	return false
}

// copies makes the members that expressions under carry give every record of
// this place.
func (f *fetcher) copies() error {
	f.extra = f.extra[:0]
	for i := range f.stream.Carry.Entries {
		e := &f.stream.Carry.Entries[i]
		if !e.Value.expr.set() {
			continue
		}
		at := len(f.extra)
		out, has, err := f.world.appendJSON(append(record.AppendJSONString(f.extra, []byte(e.Key.Value)), ':'), &Value{kind: computed, expr: e.Value.expr})
		if err != nil {
			return err
		}
		if f.extra = out[:at]; has {
			f.extra = append(out, ',') //nolint:gocritic // out is f.extra with a member more
		}
	}
	return nil
}

// kept decides whether a record is passed on, and copies values into it.
func (f *fetcher) kept(it *rows.Item) (bool, error) {
	if f.overlap.on && f.overlap.again(f.seed, it.Raw) {
		return false, nil
	}
	if len(f.extra) > 0 && it.Err == nil {
		it.Raw = f.splice(it.Raw)
	}
	if !f.stream.KeepIf.set() && !f.stream.SkipIf.set() {
		return true, nil
	}
	for i, x := range []*RecordFormula{&f.stream.KeepIf, &f.stream.SkipIf} {
		if !x.set() {
			continue
		}
		if f.tests[i] == nil {
			var err error
			if f.tests[i], err = newRecordTest(x, &f.read, f.written, f.limits); err != nil {
				return false, err
			}
		}
		if v := f.tests[i].ask(*it); i == 0 && v == expression.False || i == 1 && v == expression.True {
			return false, nil
		}
	}
	return true, nil
}

// splice writes the members of this place in front of a record's own.
func (f *fetcher) splice(raw []byte) []byte {
	rest := bytes.TrimLeft(raw, " \t\r\n")
	if len(rest) == 0 || rest[0] != '{' {
		return raw
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	f.spliced = append(append(f.spliced[:0], '{'), f.extra...)
	if len(rest) > 0 && rest[0] == '}' {
		f.spliced = f.spliced[:len(f.spliced)-1]
	}
	f.spliced = append(f.spliced, rest...)
	return f.spliced
}

// partOf is the part the records of a page belong to.
func (k *walk) partOf(page int) (part, window string) {
	i := sort.Search(len(k.parts), func(i int) bool { return k.parts[i].page > page })
	if i == 0 {
		return "", ""
	}
	return k.parts[i-1].name, k.parts[i-1].window
}

// windowed reports whether the stream is asked for with stretches of time.
func (d *StreamDef) windowed() bool {
	for i := range d.Each {
		if d.Each[i].Window > 0 {
			return true
		}
	}
	return false
}
