package file

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
)

// picker says which rows of a table are records: where the header is, which
// rows end the table, and which are passed over.
type picker struct {
	contains []string // folded cells of the header
	row      int64    // of the header, 0 when it is not said
	blank    bool     // the first blank row ends the table
	until    []string // folded: a row that begins with one of them ends the table
	skip     []string // folded: a row that begins with one of them is passed over
	level    levels
	levelBy  string // the column the level is told by
	below    bool   // of an outline: the row that sums up stands below its rows
}

// levels is how the level of a row in a tree is told.
type levels uint8

const (
	noLevels levels = iota
	byColumn
	byNumber
	byIndent
	byOutline
)

// maxHeaderRow is how far down a header is looked for.
const maxHeaderRow = 10_000

func newPicker(o *SourceOptions) (*picker, error) {
	p := &picker{}
	if h := o.Header; h != nil {
		if p.row = int64(h.Row); p.row < 0 || p.row > maxHeaderRow {
			return nil, fmt.Errorf("%w: header row %d is not between 1 and %d", connectors.ErrConfig, p.row, maxHeaderRow)
		}
		for _, text := range h.Contains {
			p.contains = append(p.contains, folded(text.Value))
		}
		if p.row > 0 && len(p.contains) > 0 {
			return nil, fmt.Errorf("%w: the header is told twice; say its row, or what it contains", connectors.ErrConfig)
		}
	}
	if o.Rows == nil {
		return p, nil
	}
	for _, text := range o.Rows.Until {
		if text.Value == "blank" {
			p.blank = true
		} else {
			p.until = append(p.until, folded(text.Value))
		}
	}
	for _, text := range o.Rows.Skip {
		p.skip = append(p.skip, folded(text.Value))
	}
	return p, p.setLeaf(o.Rows.Leaf)
}

func (p *picker) setLeaf(leaf *Leaf) error {
	if leaf == nil {
		return nil
	}
	told := 0
	set := func(by levels, column string) {
		if column != "" {
			p.level, p.levelBy = by, column
			told++
		}
	}
	set(byColumn, leaf.Level.Value)
	set(byNumber, leaf.Number.Value)
	set(byIndent, leaf.Indent.Value)
	set(byOutline, leaf.Outline)
	p.below = leaf.Outline == "below"
	if told != 1 {
		return fmt.Errorf("%w: rows.leaf says how the level of a row is told: by one of level, number, indent and outline", connectors.ErrConfig)
	}
	return nil
}

// fate is what becomes of a row.
type fate uint8

const (
	keep fate = iota
	pass
	stop
)

// plain reports that every row is kept.
func (p *picker) plain() bool { return !p.blank && len(p.until) == 0 && len(p.skip) == 0 }

// judge decides by the first filled cell of a row.
func (p *picker) judge(first []byte, blank bool) fate {
	switch {
	case blank && p.blank:
		return stop
	case blank:
		return pass
	case len(p.until)+len(p.skip) == 0:
		return keep
	}
	text := folded(string(first))
	begins := func(with string) bool { return strings.HasPrefix(text, with) }
	switch {
	case slices.ContainsFunc(p.until, begins):
		return stop
	case slices.ContainsFunc(p.skip, begins):
		return pass
	}
	return keep
}

// isHeader reports whether a row is the header that is looked for.
func (p *picker) isHeader(row int64, cells []string) bool {
	if p.row > 0 {
		return row == p.row
	}
	if len(p.contains) == 0 {
		return true
	}
	have := make(map[string]bool, len(cells))
	for _, cell := range cells {
		have[folded(cell)] = true
	}
	return !slices.ContainsFunc(p.contains, func(want string) bool { return !have[want] })
}

// lost says that there is no header.
func (p *picker) lost() error {
	if p.row > 0 {
		return fmt.Errorf("there is no row %d to be the header", p.row)
	}
	return fmt.Errorf("no row among the first %d contains %q; header.contains lists cells the header has", maxHeaderRow, p.contains)
}
