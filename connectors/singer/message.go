package singer

import (
	"bytes"
	"fmt"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// errTap says that a tap does not keep to what Singer defines: the run fails,
// and neither settings nor the environment are at fault.
var errTap = fmt.Errorf("%w: %s: the tap breaks the rules of Singer", connectors.ErrData, document.CodeSourceDamaged)

// message is one line of a tap. Its parts are those of the line.
type message struct {
	kind    string
	stream  string
	schema  []byte
	record  []byte
	value   []byte // of a STATE
	keys    []string
	version string // as it was written, "" for none
}

// parse takes a line apart.
func (m *message) parse(line []byte, number int64) error {
	*m = message{keys: m.keys[:0]}
	d := jx.DecodeBytes(line)
	if d.Next() != jx.Object {
		return garbage(number)
	}
	if !jx.Valid(line) {
		return unsound(line, number)
	}
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "type":
			m.kind, err = d.Str()
		case "stream":
			m.stream, err = d.Str()
		case "schema":
			m.schema, err = d.Raw()
		case "record":
			m.record, err = d.Raw()
		case "value":
			m.value, err = d.Raw()
		case "version":
			var raw []byte
			raw, err = d.Raw()
			if m.version = string(bytes.Trim(raw, `"`)); m.version == "null" {
				m.version = ""
			}
		case "key_properties":
			err = m.readKeys(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil {
		return unsound(line, number)
	}
	return m.check(number)
}

func (m *message) readKeys(d *jx.Decoder) error {
	if d.Next() == jx.Null {
		return d.Null()
	}
	return d.Arr(func(d *jx.Decoder) error {
		name, err := d.Str()
		m.keys = append(m.keys, name)
		return err
	})
}

// check makes sure that a message has what its kind needs.
func (m *message) check(number int64) error {
	lacks := ""
	switch m.kind {
	case "SCHEMA":
		lacks = missing(m.stream != "", "stream", len(m.schema) > 0, "schema")
	case "RECORD":
		lacks = missing(m.stream != "", "stream", len(m.record) > 0, "record")
	case "STATE":
		lacks = missing(len(m.value) > 0, "value", true, "")
	case "ACTIVATE_VERSION":
		lacks = missing(m.stream != "", "stream", m.version != "", "version")
	case "":
		return garbage(number)
	default:
		return fmt.Errorf("%w: line %d of the tap is a message of type %q, which is not known here; nothing is loaded, since it may stand for records", errTap, number, m.kind)
	}
	if lacks != "" {
		return fmt.Errorf("%w: line %d of the tap is a %s without %s", errTap, number, m.kind, lacks)
	}
	return nil
}

func missing(a bool, nameA string, b bool, nameB string) string {
	switch {
	case !a:
		return nameA
	case !b:
		return nameB
	}
	return ""
}

// garbage says that a line is none of a tap. What it says is not repeated: it
// may be a record, or a secret.
func garbage(number int64) error {
	return fmt.Errorf("%w: line %d of what the tap printed is no message of Singer; logs belong on its error output", errTap, number)
}

// unsound says that a line begins as a message and is none. NaN is what some
// programs write for a number that is not there.
func unsound(line []byte, number int64) error {
	hint := ""
	for _, word := range []string{"NaN", "Infinity"} {
		if bytes.Contains(line, []byte(word)) {
			hint = "; it says " + word + ", which is no number in JSON"
			break
		}
	}
	return fmt.Errorf("%w: line %d of the tap is not sound JSON%s", errTap, number, hint)
}
