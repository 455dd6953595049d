package runner

import (
	"fmt"

	"github.com/tieout/tieout/schemas/record"
)

// CursorText is the text of a cursor value of a kind in the form positions
// keep it in; a date will do for a timestamp, and is its first instant in UTC.
func CursorText(kind record.Kind, text string) (string, error) {
	if kind == record.Text {
		return text, nil
	}
	t := tracker{kind: kind}
	b, err := t.bound(text, nil, false)
	if err != nil {
		return "", fmt.Errorf("%q is no %s", text, kind)
	}
	if !b.set {
		return "", fmt.Errorf("the value of a %s cursor is empty", kind)
	}
	t.value = b.value
	return t.maximum(), nil
}
