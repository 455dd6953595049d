package connectors

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Specs are declared fields as a read is given them, in the order written.
func Specs(fields *document.Map[fieldtype.Type]) []FieldSpec {
	var out []FieldSpec
	for i := range fields.Entries {
		e := &fields.Entries[i]
		t := &e.Value
		spec := FieldSpec{Name: e.Key.Value, Kind: t.Kind, Pattern: t.Pattern.Value, Scale: t.Digits(),
			Optional: t.Optional, MinorUnits: t.MinorUnits, Fields: Specs(&t.Fields)}
		for _, c := range t.Column {
			spec.Columns = append(spec.Columns, c.Value)
		}
		out = append(out, spec)
	}
	return out
}
