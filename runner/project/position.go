package project

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/schemas/record"
)

// PositionAt is the position a person gives as text: the next read begins
// there, the value included. before tells the kind of the cursor where the
// pipeline does not declare it.
func (p *Project) PositionAt(pipeline *pipelines.Pipeline, text string, before *connectors.Position) (*connectors.Position, error) {
	spec := pipeline.Source.Cursor
	if spec == nil {
		return nil, fmt.Errorf("the pipeline %q reads everything each time: it has no cursor", pipeline.Name())
	}
	kind := record.Unknown
	if t, declared := pipeline.Source.Types().Get(spec.Field.Value); declared {
		kind = t.Kind
	} else if before != nil && before.Field == spec.Field.Value {
		kind, _ = record.ParseKind(before.Kind)
	}
	if kind == record.Unknown {
		return nil, fmt.Errorf("the kind of the cursor %q is not known before the first run: declare it under source.fields", spec.Field.Value)
	}
	text, err := runner.CursorText(kind, text)
	if err != nil {
		return nil, err
	}
	return &connectors.Position{Field: spec.Field.Value, Text: text, Kind: kind.String(), LoadID: "by hand"}, nil
}
