package transforms

import (
	"fmt"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// keyFields finds the columns a gathering step keys records by. It returns
// nil when it reported a problem or when a field is not known yet.
func keyFields(in *record.Shape, names []document.Text, c *Context) (columns []int, known bool) {
	known = true
	for _, name := range names {
		i := requireField(in, name, c)
		switch {
		case i < 0:
			known = false
		case i == len(in.Fields):
			known = false
		case in.Fields[i].Kind.Nested():
			c.Report.ErrorAt(name, document.CodeStepType, "name a field with a single value", "%q is %s", name.Value, in.Fields[i].Kind)
			known = false
		default:
			columns = append(columns, i)
		}
	}
	return columns, known
}

// keyGuard holds the records that have no value in a key field: they belong
// to no group.
type keyGuard struct {
	step    string
	columns []int
	key     []byte
}

func (g *keyGuard) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	for _, row := range b.Live {
		var field string
		if g.key, field = appendKey(g.key[:0], b, g.columns, int(row)); field != "" {
			b.Hold(record.Hold{Row: row, Code: string(document.CodeRuleNil), Rule: g.step, Field: field,
				Message: fmt.Sprintf("%s needs %q, which has no value", g.step, field)})
		}
	}
	return b, nil
}

// waiting are the keys of groups that a held record belongs to.
type waiting struct {
	keys map[string]bool
	buf  []byte
}

// take notes the keys of the live rows, and tells of those without one.
func (w *waiting) take(b *record.Batch, columns []int, unknown func(row int32)) {
	if w.keys == nil {
		w.keys = make(map[string]bool)
	}
	for _, row := range b.Live {
		var missing string
		w.buf, missing = appendKey(w.buf[:0], b, columns, int(row))
		switch {
		case missing == "":
			w.keys[string(w.buf)] = true
		case unknown != nil:
			unknown(row)
		}
	}
}

// incrementCheck refuses to gather records that a later read may add to:
// what was put out for a group would be wrong then.
func incrementCheck(at document.Place, step string, by []document.Text, c *Context) {
	if !c.Incremental || len(c.SourceKey) > 0 && covers(by, c.SourceKey) {
		return
	}
	c.Report.ErrorAt(at, document.CodeStepGroupIncrement,
		"leave out source.cursor so that everything is read each time, or put the source's key among the fields of by",
		"%s over an incremental read would see only the new part of a group", step)
}

func covers(by []document.Text, key []string) bool {
	for _, name := range key {
		found := false
		for _, b := range by {
			found = found || b.Value == name
		}
		if !found {
			return false
		}
	}
	return true
}
