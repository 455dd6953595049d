package file

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// chosen is a sheet that is to be read, with what its name says.
type chosen struct {
	sheetPart
	values []string
}

// choose lists the sheets that are to be read: by name, number, pattern or
// template, in the order of the workbook for each; the first visible one when
// nothing is said.
func (b *book) choose(said []document.Text) ([]chosen, error) {
	var list []chosen
	if len(said) == 0 {
		for _, s := range b.sheets {
			if !s.hidden {
				return []chosen{{sheetPart: s}}, nil
			}
		}
		return nil, fmt.Errorf("%w: %s: it has no sheet that is visible; name one under sheet: %s", errNamed, b.name, b.sheetNames())
	}
	for _, text := range said {
		found, err := b.chooseOne(text.Value)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: %s: it has no sheet %q; it has %s", errNamed, b.name, text.Value, b.sheetNames())
		}
		for _, one := range found {
			if !slices.ContainsFunc(list, func(c chosen) bool { return c.part == one.part }) {
				list = append(list, one)
			}
		}
	}
	return list, nil
}

func (b *book) chooseOne(said string) ([]chosen, error) {
	for _, fits := range []func(sheetPart) bool{
		func(s sheetPart) bool { return s.name == said },
		func(s sheetPart) bool { return folded(s.name) == folded(said) },
	} {
		if i := slices.IndexFunc(b.sheets, fits); i >= 0 {
			return []chosen{{sheetPart: b.sheets[i]}}, nil
		}
	}
	if n, err := strconv.Atoi(said); err == nil && n >= 1 && n <= len(b.sheets) {
		return []chosen{{sheetPart: b.sheets[n-1]}}, nil
	}
	t, err := newTemplate(said)
	if err != nil {
		return nil, err
	}
	var list []chosen
	for _, s := range b.sheets {
		values, ok := t.match(s.name)
		if len(t.fields) == 0 {
			ok, _ = path.Match(said, s.name)
		}
		if ok && !s.hidden {
			list = append(list, chosen{sheetPart: s, values: values})
		}
	}
	return list, nil
}

func (b *book) sheetNames() string {
	var names []string
	for _, s := range b.sheets {
		if len(names) < 20 {
			names = append(names, strconv.Quote(s.name))
		}
	}
	return strings.Join(names, ", ")
}
