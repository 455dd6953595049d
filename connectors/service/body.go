package service

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// How the body of a request is written.
const (
	asJSONBody = "json"
	asForm     = "form"
	asXML      = "xml"
	asText     = "text"
)

// body writes the tree of a request's body, and says what it is.
func (w *world) body(encode string, v *Value) (text []byte, kind string, err error) {
	switch encode {
	case asForm:
		text, err = w.form(v)
		return text, "application/x-www-form-urlencoded", err
	case asXML:
		text, err = w.appendXML([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), v.names[0], v.items[0])
		return text, "application/xml; charset=utf-8", err
	case asText:
		line, _, err := w.text(v)
		return []byte(line), "text/plain; charset=utf-8", err
	}
	text, _, err = w.appendJSON(nil, v)
	return text, "application/json", err
}

// form writes names and values as a browser sends them.
func (w *world) form(v *Value) ([]byte, error) {
	out := make(url.Values)
	for i, name := range v.names {
		list := v.items[i]
		if list.kind != sequence {
			list = &Value{kind: sequence, items: []*Value{list}}
		}
		for _, one := range list.items {
			text, has, err := w.text(one)
			if err != nil {
				return nil, err
			}
			if has {
				out.Add(name, text)
			}
		}
	}
	return []byte(out.Encode()), nil
}

// appendXML writes an element, or several where the value is a list. One whose
// expression has no value is left out; null is an element without content.
func (w *world) appendXML(dst []byte, name string, v *Value) ([]byte, error) {
	switch v.kind {
	case sequence:
		for _, one := range v.items {
			var err error
			if dst, err = w.appendXML(dst, name, one); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case mapping:
		if list := v.repeats(); list != nil {
			line := v.line()
			err := w.lines(list, func() (err error) {
				dst, err = w.appendXML(dst, name, line)
				return err
			})
			return dst, err
		}
		dst, err := w.appendAttrs(append(append(dst, '<'), name...), v)
		if err != nil {
			return dst, err
		}
		if dst, err = w.appendContent(append(dst, '>'), v); err != nil {
			return dst, err
		}
		return append(append(append(dst, "</"...), name...), '>'), nil
	}
	if v.isNull() {
		return append(append(append(dst, '<'), name...), "/>"...), nil
	}
	text, has, err := w.text(v)
	if err != nil || !has {
		return dst, err
	}
	dst = append(append(append(dst, '<'), name...), '>')
	if dst, err = appendEscaped(dst, text); err != nil {
		return dst, fmt.Errorf("element %q: %w", name, err)
	}
	return append(append(append(dst, "</"...), name...), '>'), nil
}

func (v *Value) isNull() bool { return v.kind == literal && v.text == "null" }

// appendAttrs writes the members whose names begin with @.
func (w *world) appendAttrs(dst []byte, v *Value) ([]byte, error) {
	for i, key := range v.names {
		name, ok := strings.CutPrefix(key, "@")
		if !ok || v.items[i].isNull() {
			continue
		}
		text, has, err := w.text(v.items[i])
		if err != nil {
			return dst, err
		}
		if !has {
			continue
		}
		dst = append(append(append(dst, ' '), name...), `="`...)
		if dst, err = appendEscaped(dst, text); err != nil {
			return dst, fmt.Errorf("attribute %q: %w", name, err)
		}
		dst = append(dst, '"')
	}
	return dst, nil
}

// textKey is the member that is the text of an element beside its attributes.
const textKey = "#text"

// appendContent writes what stands inside an element.
func (w *world) appendContent(dst []byte, v *Value) ([]byte, error) {
	for i, key := range v.names {
		var err error
		switch {
		case strings.HasPrefix(key, "@"):
		case key == textKey:
			var text string
			if text, _, err = w.text(v.items[i]); err == nil {
				dst, err = appendEscaped(dst, text)
			}
		default:
			dst, err = w.appendXML(dst, key, v.items[i])
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendEscaped writes text as XML has it. What XML cannot hold is refused.
func appendEscaped(dst []byte, text string) ([]byte, error) {
	for _, r := range text {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\n', r == '\t', r == '\r':
			dst = fmt.Appendf(dst, "&#%d;", r)
		case r < ' ', r == '\uFFFE', r == '\uFFFF', r == '\uFFFD':
			return dst, fmt.Errorf("%w: the value holds the character %U, which XML cannot hold", connectors.ErrConfig, r)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return dst, nil
}

// appendJSON writes a value as JSON; has is false when it is left out.
func (w *world) appendJSON(dst []byte, v *Value) (out []byte, has bool, err error) {
	switch v.kind {
	case mapping, sequence:
		if v.repeats() != nil {
			out, err = w.appendLines(dst, v)
			return out, true, err
		}
		out, err = w.appendItems(dst, v)
		return out, true, err
	case literal:
		return append(dst, v.text...), true, nil
	case computed:
		a, err := w.eval(&v.expr)
		if err != nil || !a.has {
			return dst, false, err
		}
		switch a.kind {
		case record.Integer, record.Decimal, record.Boolean, record.List, record.Record:
			return append(dst, a.text...), true, nil
		}
		return record.AppendJSONString(dst, []byte(a.text)), true, nil
	}
	text, has, err := w.text(v)
	return record.AppendJSONString(dst, []byte(text)), has, err
}

func (w *world) appendItems(dst []byte, v *Value) ([]byte, error) {
	ends := "{}"
	if v.kind == sequence {
		ends = "[]"
	}
	dst = append(dst, ends[0])
	some := false
	for i, one := range v.items {
		at := len(dst)
		if some {
			dst = append(dst, ',')
		}
		if v.kind == mapping {
			dst = append(record.AppendJSONString(dst, []byte(v.names[i])), ':')
		}
		out, has, err := w.appendJSON(dst, one)
		if err != nil {
			return dst, err
		}
		if dst = out; !has {
			dst = dst[:at]
			continue
		}
		some = true
	}
	return append(dst, ends[1]), nil
}

var xmlName = regexp.MustCompile(`^[\pL_][\pL\pN._-]*(:[\pL_][\pL\pN._-]*)?$`)

// checkXML reports names that no element can have. attributes says that there
// is an element around them to have some.
func checkXML(n *document.Node, attributes bool, d *document.Decoder) {
	for i, key := range n.Keys() {
		name, attr := strings.CutPrefix(key.Text(), "@")
		switch kid := n.Children()[i]; {
		case key.Text() == textKey && attributes:
		case attr && !attributes, !xmlName.MatchString(name):
			d.Report.ErrorAt(key, document.CodeWrongShape, "Keys are names of elements in their order; one that begins with @ is an attribute of the element around it.", "%q is no name of an XML element", key.Text())
		case attr && kid.Kind() != document.Scalar:
			d.Report.ErrorAt(kid, document.CodeWrongShape, "", "an attribute takes a single value")
		default:
			checkXML(kid, true, d)
		}
	}
	if n.Kind() == document.Sequence {
		for _, kid := range n.Children() {
			checkXML(kid, true, d)
		}
	}
}
