package service

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
)

// see gives the world what stands at a path of a reply. around is how many
// names of XML a path may leave out at its beginning.
func (w *world) see(path []string, h http.Header, body []byte, around int) error {
	b := w.change(append([]string{"reply"}, path...)...)
	switch {
	case path[0] == "headers" && len(path) == 2:
		if b.none(); len(h.Values(path[1])) > 0 {
			b.setText(h.Get(path[1]))
		}
	case path[0] == "body" && len(path) > 1:
		raw := find(body, path[1:], around)
		b.gone = raw == nil || string(raw) == "null"
		if len(b.kids) > 0 {
			return nil
		}
		b.none()
		if raw != nil {
			if err := b.setJSON(textIn(raw)); err != nil {
				return fmt.Errorf("read %q of the reply: %w", dotted(path[1:]), err)
			}
		}
	}
	return nil
}

// asJSON gives a whole document as JSON, nil when it is neither JSON nor XML.
// An XML document is an object with its root as the one member.
func asJSON(text []byte, limits connectors.Limits) []byte {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))
	if len(text) == 0 {
		return nil
	}
	if text[0] == '<' {
		out, err := rows.XMLDocument(bytes.NewReader(text), limits)
		if err != nil {
			return nil
		}
		return out
	}
	if !jx.Valid(text) {
		return nil
	}
	return text
}

// below finds the value at a path of a JSON object. A list on the way stands
// for its first element.
func below(raw []byte, path []string) []byte {
	for _, name := range path {
		one := first(raw)
		if raw = rows.Member(one, name); raw == nil && name == textKey && len(one) > 0 && one[0] == '"' {
			raw = one // an element without attributes is its text
		}
		if raw == nil {
			return nil
		}
	}
	return raw
}

// first is the first element of a list, or the value itself.
func first(raw []byte) []byte {
	if raw == nil || jx.DecodeBytes(raw).Next() != jx.Array {
		return raw
	}
	var found []byte
	err := jx.DecodeBytes(raw).Arr(func(d *jx.Decoder) error {
		if found != nil {
			return d.Skip()
		}
		value, err := d.Raw()
		found = value
		return err
	})
	if err != nil {
		return nil
	}
	return found
}

// find is below for a path that may leave out some names at its beginning.
func find(raw []byte, path []string, around int) []byte {
	found := below(raw, path)
	if found != nil || around == 0 || raw == nil || jx.DecodeBytes(raw).Next() != jx.Object {
		return found
	}
	_ = jx.DecodeBytes(raw).ObjBytes(func(d *jx.Decoder, _ []byte) error {
		value, err := d.Raw()
		if err == nil && found == nil {
			found = find(first(value), path, around-1)
		}
		return err
	})
	return found
}

// dotted is a path as it is written.
func dotted(path []string) string { return strings.Join(path, ".") }
