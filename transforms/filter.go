package transforms

import (
	"fmt"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Filter keeps the records for which an expression is true. A record for
// which it cannot be decided is held, not dropped.
type Filter struct {
	Keep document.Expr
}

type filterPlan struct {
	shape   *record.Shape
	program *expression.Program
}

// Plan compiles the expression, which must be true or false.
func (s *Filter) Plan(in *record.Shape, c *Context) Plan {
	program := expression.Compile(s.Keep, c.envFor(in), s.Keep.Path(), c.Report)
	if program == nil {
		return nil
	}
	if k := program.Field().Kind; k != record.Boolean && k != record.Unknown {
		c.Report.ErrorAt(s.Keep, document.CodeExprType, "write a comparison, such as amount != 0", "a filter must be true or false, and this is %s", k)
		return nil
	}
	return &filterPlan{shape: in, program: program}
}

func (p *filterPlan) Shape() *record.Shape { return p.shape }

func (p *filterPlan) Start() Work { return &filterWork{evaluator: p.program.Evaluator()} }

type filterWork struct {
	evaluator *expression.Evaluator
	live      []int32
}

func (w *filterWork) Apply(b *record.Batch, t *Tally) (*record.Batch, error) {
	w.live = w.live[:0]
	w.evaluator.Test(b, func(row int32, truth expression.Truth) {
		switch truth {
		case expression.True:
			w.live = append(w.live, row)
		case expression.False:
			t.Filtered++
		case expression.Nil:
			field := w.evaluator.NilField()
			w.live = append(w.live, row)
			b.Hold(record.Hold{Row: row, Code: string(document.CodeRuleNil), Rule: "filter", Field: field,
				Message: fmt.Sprintf("the filter cannot be decided: %q has no value", field)})
		}
	}, func(row int32, f expression.Failure) {
		w.live = append(w.live, row)
		holdFailure(b, row, "filter", "", f)
	})
	b.Live = append(b.Live[:0], w.live...)
	return b, nil
}
