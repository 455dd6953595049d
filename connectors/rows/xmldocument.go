package rows

import (
	"errors"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows/markup"
	"github.com/tieout/tieout/schemas/record"
)

// XMLDocument gives a whole document as JSON: an object with the root as its
// one member.
func XMLDocument(r io.Reader, limits connectors.Limits) ([]byte, error) {
	c := NewXMLCutter(r, Cut{Limits: limits})
	it, err := c.Next()
	if err == nil {
		err = it.Err
	}
	if err != nil {
		return nil, err
	}
	out := append(record.AppendJSONString([]byte{'{'}, c.scan.Name()), ':')
	out = append(append(out, it.Raw...), '}')
	if _, err := c.Next(); !errors.Is(err, io.EOF) {
		return nil, err
	}
	return out, nil
}

// Broken reports whether an error says that a document is not sound, JSON or
// XML, and not that it could not be read.
func Broken(err error) bool {
	var json *BrokenError
	var xml *markup.Error
	return errors.As(err, &json) || errors.As(err, &xml)
}
