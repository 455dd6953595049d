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

// Compile plans the steps and rules over records of a shape, and checks that
// the amounts are exact numbers. What is wrong is reported to c.Report, and
// the result is nil then.
func (p *Pipeline) Compile(in *record.Shape, c *transforms.Context) *Compiled {
	before := c.Report.Errors()
	out := p.compile(in, c)
	if c.Report.Errors() > before {
		return nil
	}
	return &out.Compiled
}

// walked is what compiling gives even when something is wrong.
type walked struct {
	Compiled
	// broken says that a step could not be planned, so that what reaches the
	// sink is not known.
	broken bool
}

func (p *Pipeline) compile(in *record.Shape, c *transforms.Context) *walked {
	out := &walked{}
	local := *c
	amounts := newAmountCheck(p.Money, in)
	shape := in
	for i := range p.Transforms {
		step := &p.Transforms[i]
		var plan transforms.Plan
		if step.Spec != nil && !p.spoilt[i] {
			plan = step.Spec.Plan(shape, &local)
		}
		if plan == nil {
			out.broken = true
			shape = unknownShape(&local)
			continue
		}
		out.Plans, out.Names = append(out.Plans, plan), append(out.Names, step.Name)
		if shape = plan.Shape(); shape.Open && len(shape.Fields) == 0 && len(in.Fields) > 0 {
			shape = unknownShape(&local) // an undeclared list was exploded
		}
		amounts.see(shape)
	}
	out.Out = shape
	if !out.broken {
		amounts.report(&local)
	}
	p.compileRules(&out.Compiled, &local)
	return out
}

// unknownShape is what is known behind a step that cannot be planned: nothing,
// so that the steps after it are still checked for all that needs no fields.
func unknownShape(c *transforms.Context) *record.Shape {
	c.Env.Assume, c.Env.Assumed = record.Unknown, nil
	return &record.Shape{Open: true}
}

func (p *Pipeline) compileRules(out *Compiled, c *transforms.Context) {
	env := c.Env
	env.Shape = out.Out
	named := make(map[string]bool, len(p.Rules))
	for i := range p.Rules {
		rule := &p.Rules[i]
		if named[rule.Name.Value] && !rule.Name.IsZero() {
			c.Report.ErrorAt(rule.Name, document.CodeRuleDuplicateName, "Name each rule after what it expects.", "there is already a rule %q", rule.Name.Value)
		}
		named[rule.Name.Value] = true
		if rule.Expect.IsZero() {
			continue
		}
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

// amountCheck finds, for each amount, what it is where it was last seen on
// the way to the sink: a column may come as text and be parsed by a step, and
// an amount may end in the lines of a document.
type amountCheck struct {
	names []document.Text
	last  []*record.Field
	open  bool
}

func newAmountCheck(m *Money, in *record.Shape) *amountCheck {
	a := &amountCheck{}
	if m != nil {
		a.names = m.Amounts
		if !m.FixedCurrency() && !m.Currency.IsZero() {
			a.names = append(append([]document.Text(nil), m.Amounts...), m.Currency)
		}
	}
	a.last = make([]*record.Field, len(a.names))
	a.open = in.Open
	a.see(in)
	return a
}

func (a *amountCheck) see(shape *record.Shape) {
	for i, name := range a.names {
		if at := shape.Index(name.Value); at >= 0 {
			a.last[i] = &shape.Fields[at]
		}
	}
}

func (a *amountCheck) report(c *transforms.Context) {
	for i, name := range a.names {
		f := a.last[i]
		switch {
		case f == nil && a.open:
			if c.Env.Assumed != nil {
				c.Env.Assumed(name.Value, name)
			}
		case f == nil:
			c.Report.ErrorAt(name, document.CodeStepMissingField, "Name fields of the source, or fields that steps make.", "money: there is no field %q", name.Value)
		case f.Kind == record.Unknown || lastKey(name.Path()) == "currency" && f.Kind == record.Text:
		case lastKey(name.Path()) == "currency":
			c.Report.ErrorAt(name, document.CodeStepType, "Name a text field, or write the code of the currency.", "money: the currency %q is %s, not text", name.Value, f.Kind)
		case f.Kind != record.Decimal && f.Kind != record.Integer:
			c.Report.ErrorAt(name, document.CodeStepType, "Declare it as decimal under source.fields, or compute it with parse_amount.", "money: %q is %s, not a number", name.Value, f.Kind)
		case f.Inexact:
			c.Report.ErrorAt(name, document.CodeSourceFloatAmount, "Round it in a step: set: { "+name.Value+": round("+name.Value+", 2) }", "%q comes from a binary float, which is not exact", name.Value)
		}
	}
}
