package builtin

import (
	"reflect"
	"testing"
)

// TestRegistry checks that each definition can be used the way it says.
func TestRegistry(t *testing.T) {
	for _, d := range Registry().Definitions() {
		if d.Summary == "" || reflect.TypeOf(d.Connection()).Kind() != reflect.Pointer {
			t.Errorf("%s: summary %q, connection %T", d.Name, d.Summary, d.Connection())
		}
		if (d.Source == nil) != (d.NewSource == nil) || (d.Sink == nil) != (d.NewSink == nil && d.NewTarget == nil) {
			t.Errorf("%s: a side has settings and no constructor, or the reverse", d.Name)
		}
		if d.Sink != nil && len(d.Modes) == 0 {
			t.Errorf("%s: a sink without a mode", d.Name)
		}
	}
}
