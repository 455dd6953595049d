package file

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// passed counts the rows that settings leave out.
type passed struct{ skipped, ended int64 }

func (p *passed) add(f fate) {
	switch f {
	case pass:
		p.skipped++
	case stop:
		p.ended++
	}
}

func (p *passed) notes() []string {
	if p.skipped == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d rows were passed over because of rows.skip", p.skipped)}
}

// Notes says how many rows were left out.
func (r *csvReader) Notes() []string { return r.passed.notes() }

// fate decides what becomes of what the scanner found at buf[at:].
func (r *csvReader) fate(what verdict, buf []byte, at int) fate {
	if r.pick.plain() {
		if what == found {
			return keep
		}
		return pass
	}
	var f fate
	if what == skipped {
		if !r.pick.blank || buf[at] != '\n' && buf[at] != '\r' {
			return pass
		}
		f = stop
	} else {
		first, blank := r.first(buf)
		f = r.pick.judge(first, blank)
		if blank {
			return f
		}
	}
	r.passed.add(f)
	return f
}

// first is the first filled cell of the record the scanner stands on.
func (r *csvReader) first(buf []byte) (text []byte, blank bool) {
	for _, span := range r.scan.fields {
		if cell := buf[span.Off : span.Off+span.Len]; len(folded(string(cell))) > 0 {
			return cell, false
		}
	}
	return nil, true
}

// planLevels makes sure that every file has the column the levels are told by.
func (r *csvReader) planLevels() error {
	for i := range r.files {
		if r.pick.level != noLevels && r.files[i].find(r.pick.levelBy) < 0 {
			return &connectors.MissingColumnError{Input: r.files[i].name(), Field: "rows.leaf", Columns: []string{r.pick.levelBy}, Known: r.files[i].header}
		}
	}
	return nil
}

func (r *csvReader) levels() []int32 { return r.depths }

// place notes the level of row n.
func (r *csvReader) place(b *record.Batch, buf []byte, n int) {
	if r.pick.level == noLevels {
		return
	}
	depth, known := int32(-1), false
	if r.levelAt < len(r.scan.fields) && r.scan.fault == "" {
		span := r.scan.fields[r.levelAt]
		depth, known = r.pick.levelOf(buf[span.Off : span.Off+span.Len])
	}
	if !known {
		depth = -1
		if r.scan.fault == "" {
			r.hold(b, buf, n, document.CodeSourceBadValue, r.pick.noLevel())
		}
	}
	r.depths = append(r.depths, depth)
}
