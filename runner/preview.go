package runner

import (
	"context"
	"encoding/json"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// Preview is what the first records of a source look like on their way.
type Preview struct {
	// Stages are the source, each step and the rules, with the records as
	// they leave it.
	Stages []PreviewStage `json:"stages"`
	Rules  []PreviewRule  `json:"rules"`
	Held   []Held         `json:"held"`
}

// PreviewStage is one place on the way. Records are JSON objects with the
// fields in order, amounts as strings.
type PreviewStage struct {
	Stage   string            `json:"stage"`
	Tally   transforms.Tally  `json:"tally"`
	Records []json.RawMessage `json:"records"`
}

// PreviewRule counts the records that met one rule and those that did not.
type PreviewRule struct {
	Rule      string `json:"rule"`
	Otherwise string `json:"otherwise"`
	Passed    int64  `json:"passed"`
	Failed    int64  `json:"failed"`
}

// Evaluation is the value of one expression for each of the first records.
type Evaluation struct {
	Over   string           `json:"over"` // "source" or "steps": which records
	Kind   string           `json:"kind"`
	Values []EvaluatedValue `json:"values"`
}

// EvaluatedValue is the value for one record, or why there is none.
type EvaluatedValue struct {
	Record  json.RawMessage `json:"record"`
	Value   json.RawMessage `json:"value"`
	Failure string          `json:"failure,omitempty"`
}

// ShowPreview takes the first records of a job's source through its steps and
// rules. It touches neither target nor state, and steps that gather see these
// records alone.
func ShowPreview(ctx context.Context, job Job, deps Deps, limit int) (Preview, error) {
	p, err := newPreviewer(ctx, &job, &deps, limit)
	if err != nil {
		return Preview{}, err
	}
	p.show.Stages = make([]PreviewStage, len(p.ch.steps)+2)
	p.show.Stages[0].Stage = "source"
	for i, name := range p.ch.steps {
		p.show.Stages[i+1].Stage = name
	}
	p.show.Stages[len(p.ch.steps)+1].Stage = "rules"
	for i := range p.ch.rules {
		p.show.Rules = append(p.show.Rules, PreviewRule{Rule: p.ch.rules[i].Name, Otherwise: p.ch.rules[i].Otherwise})
	}
	p.show.Held = []Held{}
	p.see = p.collect
	if err := p.walk(ctx); err != nil {
		return Preview{}, err
	}
	return p.show, nil
}

// Evaluate computes an expression over the first records of a job's source:
// as they were read, or, when it names fields that only steps make, as they
// come to the rules.
func Evaluate(ctx context.Context, job Job, deps Deps, text string, limit int) (Evaluation, error) {
	p, err := newPreviewer(ctx, &job, &deps, limit)
	if err != nil {
		return Evaluation{}, err
	}
	out := Evaluation{Over: "source", Values: []EvaluatedValue{}}
	x := document.ExprAt(text, document.Position{File: "--expr", Line: 1, Column: 1})
	program, stage := p.compile(x, p.ch.in, new(document.Report)), 0
	if program == nil {
		var report document.Report
		if program = p.compile(x, p.ch.out, &report); program == nil {
			return Evaluation{}, report.Err()
		}
		out.Over, stage = "steps", len(p.ch.steps)
	}
	field := program.Field()
	field.Name = "value"
	out.Kind = field.Kind.String()
	evaluator := program.Evaluator()
	p.see = func(at int, b *record.Batch, _ transforms.Tally) {
		if at == stage {
			out.Values = append(out.Values, evaluate(evaluator, field, b)...)
		}
	}
	return out, p.walk(ctx)
}

// evaluate computes the live rows of a batch.
func evaluate(e *expression.Evaluator, field record.Field, b *record.Batch) []EvaluatedValue {
	shape := record.MustShape(field)
	values := record.Batch{Shape: shape, Columns: make([]record.Column, 1), Rows: b.Rows}
	failures := make(map[int32]string)
	e.Eval(b, &values.Columns[0], func(row int32, f expression.Failure) { failures[row] = f.Message })
	var out []EvaluatedValue
	for _, row := range b.Live {
		v := EvaluatedValue{Record: record.AppendRowJSON(nil, b, int(row)), Value: json.RawMessage("null"), Failure: failures[row]}
		var members map[string]json.RawMessage
		if json.Unmarshal(record.AppendRowJSON(nil, &values, int(row)), &members) == nil && members["value"] != nil {
			v.Value = members["value"]
		}
		out = append(out, v)
	}
	return out
}
