package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/tieout/tieout/connectors/rows/markup"
)

// book is an open workbook: its sheets, its shared texts and its styles.
type book struct {
	blob     *blob
	archive  *archive
	name     string
	sheets   []sheetPart
	texts    texts
	styles   []style
	date1904 bool
}

// sheetPart is one worksheet.
type sheetPart struct {
	name   string
	part   string // its path in the archive
	hidden bool
}

// sheetLimits bound the XML inside a workbook.
var sheetLimits = markup.Limits{Depth: 64, TagBytes: 1 << 20}

func openBook(f *disk, in input) (*book, error) {
	doc, err := f.blob(in)
	if err != nil {
		return nil, err
	}
	b := &book{blob: doc, name: in.name()}
	if err := b.load(); err != nil {
		doc.Close()
		return nil, err
	}
	return b, nil
}

// Close closes the file.
func (b *book) Close() error { return b.blob.Close() }

func (b *book) refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %w", errDamaged, b.name, fmt.Errorf(format, args...))
}

// load reads what stands around the sheets.
func (b *book) load() error {
	head := make([]byte, 8)
	if _, err := b.blob.ReadAt(head, 0); err == nil && bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")) {
		return b.refuse("it is protected by a password, or a workbook of an old kind (.xls); save it as .xlsx without a password")
	}
	var err error
	if b.archive, err = newArchive(b.name, b.blob, b.blob.size); err != nil {
		return err
	}
	main := "xl/workbook.xml"
	for _, r := range b.relations("_rels/.rels", "") {
		if strings.HasSuffix(r.kind, "/officeDocument") {
			main = r.target
		}
	}
	if b.archive.find(main) == nil {
		return b.refuse("it is a zip file, but no workbook")
	}
	dir, base := path.Split(main)
	parts := b.relations(dir+"_rels/"+base+".rels", dir)
	if err := b.loadWorkbook(main, parts); err != nil {
		return err
	}
	for _, r := range parts {
		switch {
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			err = b.loadTexts(r.target)
		case strings.HasSuffix(r.kind, "/styles"):
			err = b.loadStyles(r.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// relation is what one part of a workbook says of another.
type relation struct{ id, kind, target string }

// relations reads a part that names others; one that is not there names none.
func (b *book) relations(part, dir string) []relation {
	var list []relation
	// A part that cannot be read names none either: what it names is missed where it is needed.
	_ = b.walk(part, func(s *markup.Scanner, kind markup.Kind) error {
		if kind == markup.Start && string(s.Name()) == "Relationship" && len(list) < maxMembers && string(s.Attr("TargetMode")) != "External" {
			target := string(s.Attr("Target"))
			if rest, absolute := strings.CutPrefix(target, "/"); absolute {
				target = rest
			} else {
				target = path.Join(dir, target)
			}
			list = append(list, relation{id: string(s.Attr("Id")), kind: string(s.Attr("Type")), target: target})
		}
		return nil
	})
	return list
}

// walk hands every token of a part to fn.
func (b *book) walk(part string, fn func(*markup.Scanner, markup.Kind) error) error {
	in, s, err := b.scan(part)
	if err != nil {
		return err
	}
	defer in.Close()
	for {
		kind, err := s.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = fn(s, kind)
		}
		if err != nil {
			return b.refuse("%s: %w", part, err)
		}
	}
}

// scan opens a part.
func (b *book) scan(part string) (io.Closer, *markup.Scanner, error) {
	in, err := b.archive.open(part)
	if err != nil {
		return nil, nil, err
	}
	text, err := markup.Decode(in)
	if err != nil {
		in.Close()
		return nil, nil, b.refuse("%s: %w", part, err)
	}
	return in, markup.New(text, sheetLimits), nil
}

// loadWorkbook lists the worksheets in their order.
func (b *book) loadWorkbook(part string, parts []relation) error {
	targets := make(map[string]relation, len(parts))
	for _, r := range parts {
		targets[r.id] = r
	}
	return b.walk(part, func(s *markup.Scanner, kind markup.Kind) error {
		if kind != markup.Start {
			return nil
		}
		switch string(s.Name()) {
		case "workbookPr":
			b.date1904 = yes(s.Attr("date1904"))
		case "sheet":
			r := targets[relationID(s.Attrs())]
			if strings.HasSuffix(r.kind, "/worksheet") && len(b.sheets) < maxMembers {
				state := string(s.Attr("state"))
				b.sheets = append(b.sheets, sheetPart{name: string(s.Attr("name")), part: r.target, hidden: state == "hidden" || state == "veryHidden"})
			}
		}
		return nil
	})
}

// relationID is the attribute r:id, whatever its prefix is.
func relationID(attrs []markup.Attr) string {
	for _, a := range attrs {
		if string(a.Name) == "id" && len(a.Prefix) > 0 {
			return string(a.Value)
		}
	}
	return ""
}

func yes(value []byte) bool { return string(value) == "1" || string(value) == "true" }
