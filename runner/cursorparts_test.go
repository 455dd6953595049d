package runner

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// partedRows is a reader of which only the parts are looked at.
type partedRows struct {
	connectors.Reader
	parts []string
}

func (r *partedRows) Parted() bool    { return true }
func (r *partedRows) Parts() []string { return r.parts }

// Rows of many parts, added at random and never before what their part showed
// last, are each passed on exactly once by loads that append, however late a
// part turns up and however old its rows are.
func TestPartsPassEachRowOnce(t *testing.T) {
	shape := record.MustShape(record.NewField("id", record.Integer), record.NewField("day", record.Integer))
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			part    string
			id, day int64
		}
		var all []row
		latest := make(map[string]int64)
		passed := make(map[int64]int)
		var pos *connectors.Position
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			for range rapid.IntRange(0, 6).Draw(t, "new") {
				part := rapid.SampledFrom([]string{"a", "b/1", "c \"x\"", "d"}).Draw(t, "part")
				day := latest[part] + int64(rapid.IntRange(0, 2).Draw(t, "later"))
				latest[part] = day
				all = append(all, row{part, int64(len(all)), day})
			}
			bounds, err := lowerBounds(pos, 0)
			if err != nil {
				t.Fatal(err)
			}
			c := &connectors.Cursor{Field: "day", Parts: bounds, Start: "0"}
			if pos != nil {
				c.From = pos.Text
			}
			reader := new(partedRows)
			read := &connectors.Read{Key: []string{"id"}}
			tr, err := newTracker(c, shape, read, pos, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.split(reader, c, shape, read); err != nil {
				t.Fatal(err)
			}
			hidden := rapid.SampledFrom([]string{"", "a", "d"}).Draw(t, "hidden")
			var b record.Batch
			b.Reset(shape, len(all))
			n := 0
			for _, r := range all {
				if r.part == hidden {
					continue
				}
				b.Columns[0].SetInt(n, r.id)
				b.Columns[1].SetInt(n, r.day)
				reader.parts = append(reader.parts, r.part)
				n++
			}
			b.SetRows(n)
			b.AllLive()
			tr.meet()
			tr.observe(&b)
			tr.screen(&b)
			for _, r := range b.Live {
				passed[b.Columns[0].Ints[r]]++
			}
			pos = throughJSON(t, tr.position("load"))
			for _, r := range all {
				if want := 1; r.part != hidden && passed[r.id] != want {
					t.Fatalf("row %d of %q was passed on %d times; position %+v", r.id, r.part, passed[r.id], pos)
				}
			}
		}
	})
}

// throughJSON keeps a position as a sink does.
func throughJSON(t *rapid.T, p *connectors.Position) *connectors.Position {
	if p == nil {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out := new(connectors.Position)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A position without parts, as `state set` leaves it, is that of every part.
func TestPositionSetForAllParts(t *testing.T) {
	before := &connectors.Position{Field: "at", Kind: "timestamp", Text: "2026-01-31T10:00:00Z"}
	bounds, err := lowerBounds(before, time.Hour)
	if err != nil || bounds != nil {
		t.Fatalf("bounds %v, %v", bounds, err)
	}
	c := connectors.Cursor{From: before.Text, Parts: bounds, Start: "2020-01-01"}
	if got := c.Lower("any"); got != before.Text {
		t.Errorf("lower bound %q", got)
	}
	split := &connectors.Position{Field: "at", Kind: "timestamp", Text: "2026-01-31T10:00:00Z",
		Seen: []string{partMark, fmt.Sprintf("a%s2026-01-30T10:00:00Z%sh1", partBreak, partBreak)}}
	bounds, err = lowerBounds(split, time.Hour)
	if err != nil || bounds["a"] != "2026-01-30T09:00:00Z" {
		t.Fatalf("bounds %v, %v", bounds, err)
	}
	c = connectors.Cursor{From: split.Text, Parts: bounds, Start: "2020-01-01"}
	if c.Lower("a") != "2026-01-30T09:00:00Z" || c.Lower("b") != "2020-01-01" {
		t.Errorf("lower bounds %q, %q", c.Lower("a"), c.Lower("b"))
	}
}
