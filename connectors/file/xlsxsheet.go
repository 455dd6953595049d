package file

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/tieout/tieout/connectors/rows/markup"
	"github.com/tieout/tieout/schemas/record"
)

// holds is what a cell holds.
type holds uint8

const (
	nothing holds = iota
	aNumber
	aText
	aShared  // the number of a shared text
	aBoolean // 0 or 1
	anError
	anISODate
	noResult // a formula that was not computed
)

// cell is one cell of a row.
type cell struct {
	holds holds
	style int32
	span  record.Span // of the row's arena
}

// sheetRow is one row as it stands in a sheet; cells that are not there hold
// nothing.
type sheetRow struct {
	number  int64
	outline int32
	cells   []cell // by column, A first
	arena   []byte
}

func (r *sheetRow) text(c *cell) []byte { return r.arena[c.span.Off : c.span.Off+c.span.Len] }

// The size of a sheet.
const (
	maxColumns = 16_384
	maxRows    = 1_048_576
)

// sheet reads the rows of one worksheet in their order.
type sheet struct {
	in     io.Closer
	scan   *markup.Scanner
	part   string
	last   int64 // number of the row before
	within bool  // inside the rows
	ended  bool
}

func (b *book) openSheet(p sheetPart) (*sheet, error) {
	in, scan, err := b.scan(p.part)
	if err != nil {
		return nil, err
	}
	return &sheet{in: in, scan: scan, part: p.part}, nil
}

// Close closes the sheet, not the book.
func (s *sheet) Close() error { return s.in.Close() }

// next reads the next row; false says that there is none.
func (s *sheet) next(row *sheetRow) (bool, error) {
	for !s.ended {
		kind, err := s.scan.Next()
		if errors.Is(err, io.EOF) {
			s.ended = true
			break
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.part, err)
		}
		name := s.scan.Name()
		switch {
		case kind == markup.Text:
		case string(name) == "sheetData":
			s.within = kind == markup.Start
			// What follows the rows is read too: the part must be whole.
		case s.within && kind == markup.Start && string(name) == "row":
			if err := s.row(row); err != nil {
				return false, fmt.Errorf("%s: %w", s.part, err)
			}
			return true, nil
		}
	}
	return false, nil
}

// row reads the cells of a row.
func (s *sheet) row(row *sheetRow) error {
	clear(row.cells)
	row.cells, row.arena, row.outline = row.cells[:0], row.arena[:0], 0
	row.number = s.last + 1
	attrs := s.scan.Attrs()
	for i := range attrs {
		switch string(attrs[i].Name) {
		case "r":
			n, ok := whole(attrs[i].Value)
			if !ok || n < 1 || n > maxRows {
				return fmt.Errorf("a row has the number %q", attrs[i].Value)
			}
			row.number = n
		case "outlineLevel":
			n, _ := whole(attrs[i].Value)
			row.outline = int32(min(n, 100))
		}
	}
	if row.number <= s.last {
		return fmt.Errorf("row %d stands behind row %d; open the workbook and save it again", row.number, s.last)
	}
	s.last = row.number
	for {
		kind, err := s.scan.Next()
		if err != nil {
			return cutShort(err)
		}
		switch {
		case kind == markup.Start && string(s.scan.Name()) == "c":
			if err := s.cell(row); err != nil {
				return err
			}
		case kind == markup.Start:
			if err := s.scan.Skip(); err != nil {
				return cutShort(err)
			}
		case kind == markup.End:
			return nil
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cell reads one cell.
func (s *sheet) cell(row *sheetRow) error {
	column, style, kind := len(row.cells), int32(0), byte('n')
	attrs := s.scan.Attrs()
	for i := range attrs {
		value := attrs[i].Value
		switch string(attrs[i].Name) {
		case "r":
			n, ok := columnOf(value, row.number)
			if !ok {
				return fmt.Errorf("a cell of row %d is called %q", row.number, value)
			}
			column = n
		case "s":
			n, _ := whole(value)
			style = int32(min(n, 1<<20))
		case "t":
			kind = kindOf(value)
		}
	}
	if column >= maxColumns {
		return fmt.Errorf("row %d has more than %d cells", row.number, maxColumns)
	}
	for len(row.cells) <= column {
		row.cells = append(row.cells, cell{})
	}
	c := &row.cells[column]
	if c.holds != nothing {
		return fmt.Errorf("the cell %s stands twice in it", cellName(column, row.number))
	}
	c.style = style
	return s.content(row, c, kind)
}

// kindOf reads the type of a cell: n, s (shared), i (inline text), t (a text
// a formula gave), b, e and d.
func kindOf(value []byte) byte {
	switch string(value) {
	case "str":
		return 't'
	case "inlineStr":
		return 'i'
	case "s", "b", "e", "d":
		return value[0]
	}
	return 'n'
}

// content reads what stands inside a cell, up to its end.
func (s *sheet) content(row *sheetRow, c *cell, kind byte) error {
	from, depth, formula, valued, take := len(row.arena), s.scan.Depth(), false, false, false
	for {
		token, err := s.scan.Next()
		if err != nil {
			return cutShort(err)
		}
		switch token {
		case markup.Text:
			if take {
				row.arena = append(row.arena, s.scan.Text()...)
			}
		case markup.End:
			take = false
			if s.scan.Depth() < depth {
				c.set(row, from, kind, formula && !valued)
				return nil
			}
		case markup.Start:
			switch name := s.scan.Name(); string(name) {
			case "v":
				take, valued = true, true
			case "t":
				take = kind == 'i'
			case "f":
				formula = true
			case "is", "r":
			default: // how a text is said or shown
				if err := s.scan.Skip(); err != nil {
					return cutShort(err)
				}
			}
		}
	}
}

// set says what the cell holds, whose text stands in the arena from there.
func (c *cell) set(row *sheetRow, from int, kind byte, unresolved bool) {
	if unresolved {
		c.holds = noResult
		return
	}
	if kind == 'i' || kind == 't' {
		row.arena = append(row.arena[:from], unescaped(row.arena[from:])...)
	}
	c.span = record.Span{Off: uint32(from), Len: uint32(len(row.arena) - from)}
	if c.span.Len == 0 {
		return
	}
	switch kind {
	case 's':
		c.holds = aShared
	case 'i', 't':
		c.holds = aText
	case 'b':
		c.holds = aBoolean
	case 'e':
		c.holds = anError
	case 'd':
		c.holds = anISODate
	default:
		c.holds = aNumber
	}
}

// columnOf reads the column out of the name of a cell, whose row is known.
func columnOf(name []byte, row int64) (int, bool) {
	n, i := 0, 0
	for ; i < len(name) && i < 3 && name[i]|0x20 >= 'a' && name[i]|0x20 <= 'z'; i++ {
		n = n*26 + int(name[i]|0x20-'a') + 1
	}
	number, ok := whole(name[i:])
	return n - 1, ok && n > 0 && n <= maxColumns && number == row
}

// cellName is the name of a cell.
func cellName(column int, row int64) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name + strconv.FormatInt(row, 10)
}

// whole reads a short whole number without sign.
func whole(text []byte) (int64, bool) {
	if len(text) == 0 || len(text) > 9 {
		return 0, false
	}
	n := int64(0)
	for _, ch := range text {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = n*10 + int64(ch-'0')
	}
	return n, true
}
