package pipelines

import (
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// Compiled is a pipeline whose steps and rules fit a shape. It is immutable.
type Compiled struct {
	Plans []transforms.Plan
	Names []string // of the steps
	Rules []CompiledRule
	Out   *record.Shape
}

// CompiledRule is one rule. Otherwise is quarantine, warn or abort.
type CompiledRule struct {
	Name, Otherwise string
	Program         *expression.Program
}

// Values are the values of one run that expressions may read. With a zero
// AsOf they are not known yet, and what is made with them can only be checked.
type Values struct {
	AsOf time.Time
	Vars map[string]string
}

// Compile plans the steps and rules over records of a shape. What is wrong is
// reported to c.Report, and the result is nil then.
func (p *Pipeline) Compile(in *record.Shape, c *transforms.Context) *Compiled {
	out := &Compiled{}
	before := c.Report.Errors()
	local := *c
	shape := in
	for i := range p.Transforms {
		step := &p.Transforms[i]
		if step.Spec == nil {
			shape = unknownShape(&local)
			continue
		}
		plan := step.Spec.Plan(shape, &local)
		if plan == nil {
			shape = unknownShape(&local)
			continue
		}
		out.Plans, out.Names = append(out.Plans, plan), append(out.Names, step.Name)
		shape = plan.Shape()
	}
	out.Out = shape
	p.compileRules(out, &local)
	if c.Report.Errors() > before {
		return nil
	}
	return out
}

// unknownShape is what is known behind a step that cannot be planned: nothing,
// so that the steps after it are still checked for all that needs no fields.
func unknownShape(c *transforms.Context) *record.Shape {
	c.Env.Assume = record.Unknown
	return &record.Shape{Open: true}
}

func (p *Pipeline) compileRules(out *Compiled, c *transforms.Context) {
	env := c.Env
	env.Shape = out.Out
	for i := range p.Rules {
		rule := &p.Rules[i]
		program := expression.Compile(rule.Expect, &env, rule.Expect.Path(), c.Report)
		if program == nil {
			continue
		}
		if k := program.Field().Kind; k != record.Boolean && k != record.Unknown {
			c.Report.ErrorAt(rule.Expect, document.CodeExprType, "Write a comparison, such as amount >= 0.",
				"rule %q gives %s, not true or false", rule.Name.Value, k)
			continue
		}
		out.Rules = append(out.Rules, CompiledRule{Name: rule.Name.Value, Otherwise: rule.Otherwise, Program: program})
	}
}
