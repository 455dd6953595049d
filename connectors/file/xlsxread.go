package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// sheetReader reads the sheets of a stream, one after the other. Hidden rows
// and columns are read like any other.
type sheetReader struct {
	layout
	disk   *disk
	pick   *picker
	limits connectors.Limits
	tables []table
	parts  []sheetTable
	iso    []*connectors.Caster // of the declared fields, for dates that are dates in the file

	book    *book
	sheet   *sheet
	current int
	row     sheetRow
	cells   []int // for each column of the shape, its cell, or -1
	levelAt int
	seq     int64
	scratch []byte
	depths  []int32
	passed  passed
	beside  int64 // rows with values outside of the named columns
}

// Shape is the declared columns and the others of all sheets.
func (r *sheetReader) Shape() *record.Shape { return r.shape }

// Close closes the workbook that is open.
func (r *sheetReader) Close() error {
	r.closeBook()
	return r.disk.Close()
}

func (r *sheetReader) levels() []int32 { return r.depths }

// Notes says what was left out.
func (r *sheetReader) Notes() []string {
	notes := r.passed.notes()
	if r.beside > 0 {
		notes = append(notes, fmt.Sprintf("%d rows have values in columns the header has no name for; they were left out", r.beside))
	}
	for i := range r.tables {
		for name, where := range r.tables[i].repeated {
			notes = append(notes, fmt.Sprintf("%s names the column %q several times; they are read as %s", r.tables[i].name(), name, where))
		}
	}
	slices.Sort(notes)
	return notes
}

// Next fills b with the next rows.
func (r *sheetReader) Next(ctx context.Context, b *record.Batch) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.current == len(r.parts) {
			return io.EOF
		}
		if r.sheet == nil {
			if err := r.openNext(); err != nil {
				return err
			}
		}
		if err := r.fill(b); err != nil {
			return fmt.Errorf("%s: %w", r.tables[r.current].name(), err)
		}
		if b.Rows > 0 {
			b.Seq = r.seq
			r.seq++
			return nil
		}
		r.sheet.Close()
		r.sheet = nil
		r.current++
	}
}

// openNext opens the next sheet and goes behind its header.
func (r *sheetReader) openNext() error {
	part, t := &r.parts[r.current], &r.tables[r.current]
	if err := r.openBook(part.input); err != nil {
		return err
	}
	s, err := r.book.openSheet(part.sheetPart)
	if err != nil {
		return err
	}
	r.sheet = s
	r.cells = r.cells[:0]
	for i := range r.columns {
		r.cells = append(r.cells, t.cellOf(&r.columns[i]))
	}
	r.levelAt = t.find(r.pick.levelBy)
	for s.last < part.row {
		more, err := s.next(&r.row)
		if err != nil {
			return err
		}
		if !more {
			return fmt.Errorf("%s changed while it was being read; run again: %w", t.name(), connectors.ErrEnvironment)
		}
	}
	return nil
}

// batchBytes bounds the texts of one batch.
const batchBytes = 8 << 20

// fill reads rows into b; none says that the sheet has ended.
func (r *sheetReader) fill(b *record.Batch) error {
	b.Reset(r.shape, record.BatchRows)
	b.Origin.Input = r.tables[r.current].name()
	r.depths = r.depths[:0]
	n, size := 0, 0
	for n < record.BatchRows && size < batchBytes {
		more, err := r.sheet.next(&r.row)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch f := r.fate(); f {
		case keep:
			r.put(b, n)
			n++
			size += len(r.row.arena)
		case stop:
			r.sheet.ended = true
		}
	}
	b.SetRows(n)
	b.AllLive()
	b.DropHeld(0)
	return nil
}

// fate decides what becomes of the row that was read.
func (r *sheetReader) fate() fate {
	t := &r.tables[r.current]
	first, beside := -1, false
	for i := range r.row.cells {
		if r.row.cells[i].holds == nothing {
			continue
		}
		if i >= len(t.header) || t.unnamed[i] && !slices.Contains(r.cells, i) {
			beside = true
		} else if first < 0 {
			first = i
		}
	}
	var text []byte
	if first >= 0 && !r.pick.plain() {
		text, _ = r.value(&r.row.cells[first], record.Text)
	}
	f := r.pick.judge(text, first < 0)
	if first >= 0 {
		r.passed.add(f)
	}
	if beside && f != stop {
		r.beside++
	}
	return f
}

// put puts the row into row n of b.
func (r *sheetReader) put(b *record.Batch, n int) {
	b.Origin.Line = append(b.Origin.Line, r.row.number)
	r.setLevel(b, n)
	for i, at := range r.cells {
		c := &b.Columns[i]
		if at < 0 {
			continue
		}
		if at >= len(r.row.cells) || r.row.cells[at].holds == nothing {
			c.SetNil(n)
			continue
		}
		if err := r.cast(c, n, i, &r.row.cells[at]); err != nil {
			c.SetNil(n)
			code := document.CodeSourceBadValue
			if errors.Is(err, rows.ErrTooLong) {
				code = document.CodeSourceTooLong
			}
			r.hold(b, n, code, r.shape.Fields[i].Name, fmt.Sprintf("%v (cell %s)", err, cellName(at, r.row.number)))
		}
	}
}

// setLevel notes how deep in a tree the row stands.
func (r *sheetReader) setLevel(b *record.Batch, n int) {
	if r.pick.level == noLevels {
		return
	}
	depth, known := r.row.outline, r.pick.level == byOutline
	if !known && r.levelAt < len(r.row.cells) {
		c := &r.row.cells[r.levelAt]
		text, err := r.value(c, record.Text)
		if c.holds != nothing && err == nil {
			depth, known = r.pick.levelOf(text)
		}
		if r.pick.level == byIndent {
			depth += 1000 * r.style(c).indent
		}
	}
	if !known {
		depth = -1
		r.hold(b, n, document.CodeSourceBadValue, "", fmt.Sprintf("%s (row %d)", r.pick.noLevel(), r.row.number))
	}
	r.depths = append(r.depths, depth)
}

func (r *sheetReader) style(c *cell) style {
	if int(c.style) < len(r.book.styles) {
		return r.book.styles[c.style]
	}
	return style{}
}

// cast gives row n of a column the value of a cell.
func (r *sheetReader) cast(dst *record.Column, n, column int, c *cell) error {
	col := &r.columns[column]
	text, err := r.value(c, col.kind)
	if err != nil {
		return err
	}
	if len(text) > r.limits.RecordBytes {
		return rows.ErrTooLong
	}
	caster := col.caster
	if caster == nil {
		dst.SetText(n, text)
		return nil
	}
	if len(bytes.TrimSpace(text)) == 0 {
		dst.SetNil(n)
		return nil
	}
	if column < len(r.iso) && (c.holds == aNumber || c.holds == anISODate) {
		caster = r.iso[column] // a pattern is for dates that are texts
	}
	_, err = caster.Cast(dst, n, text)
	return err
}

// value is the text of a cell for a field of a kind: a number that is shown
// as a date is ISO text, unless the field is a number.
func (r *sheetReader) value(c *cell, kind record.Kind) ([]byte, error) {
	text := r.row.text(c)
	switch c.holds {
	case aShared:
		n, ok := whole(text)
		shared, there := r.book.texts.get(int(n))
		if !ok || !there {
			return nil, fmt.Errorf("there is no shared text %q", text)
		}
		return shared, nil
	case aBoolean:
		if string(text) == "1" || strings.EqualFold(string(text), "true") {
			return []byte("true"), nil
		}
		return []byte("false"), nil
	case anError:
		return nil, fmt.Errorf("the cell holds the error %s", text)
	case noResult:
		return nil, fmt.Errorf("the cell holds a formula without its result; open the workbook in a spreadsheet program and save it")
	case aNumber:
		return r.number(text, r.style(c).shows, kind)
	}
	return text, nil
}

func (r *sheetReader) number(text []byte, as shows, kind record.Kind) ([]byte, error) {
	var ok bool
	if r.scratch, ok = appendNumber(r.scratch[:0], text); !ok {
		return nil, fmt.Errorf("%q is no number", text)
	}
	if as == asNumber || kind == record.Decimal || kind == record.Integer || kind == record.Boolean {
		return r.scratch, nil
	}
	date, err := r.book.appendMoment(r.scratch, r.scratch, as, kind)
	if err != nil {
		return nil, err
	}
	return date[len(r.scratch):], nil
}

// hold stops the row for one of its cells.
func (r *sheetReader) hold(b *record.Batch, n int, code document.Code, field, message string) {
	b.Hold(record.Hold{Row: int32(n), Step: record.StepSource, Code: string(code), Rule: "source",
		Field: field, Message: message, Record: r.rawRecord()})
}

// rawRecord is the row as an object of texts under the names of the fields.
func (r *sheetReader) rawRecord() []byte {
	out := []byte{'{'}
	for i, at := range r.cells {
		if at < 0 || at >= len(r.row.cells) || r.row.cells[at].holds == nothing {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		text, err := r.value(&r.row.cells[at], r.columns[i].kind)
		if err != nil {
			text = r.row.text(&r.row.cells[at])
		}
		out = append(record.AppendJSONString(out, []byte(r.shape.Fields[i].Name)), ':')
		out = record.AppendJSONString(out, text)
	}
	return append(out, '}')
}
