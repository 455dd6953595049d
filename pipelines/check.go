package pipelines

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/money"
)

// check runs the static checks of one pipeline, in the order of its keys.
// line gives the text of a line, "" when it is not known.
func (w *Workspace) check(p *Pipeline, r *document.Report, line func(file string, n int) string) {
	c := &checker{w: w, p: p, r: r, line: line, assumed: make(map[string]bool)}
	checkName(p.Pipeline, "pipeline", plainName, r)
	c.zone()
	c.notify()
	c.schedule()
	c.unattended()
	c.money()
	c.source()
	c.sink()
	c.links()
	if each := c.p.ForEach; each != nil && len(c.p.rows) == 0 && c.w.cache != nil {
		return // what its rows hold is not known, and that was said
	}
	c.walk()
}

// checker checks one pipeline.
type checker struct {
	w       *Workspace
	p       *Pipeline
	r       *document.Report
	line    func(file string, n int) string // of the files read
	assumed map[string]bool                 // names already warned about
	unfit   bool                            // it was said that the load cannot be
}

// zone takes the pipeline's own zone, that of its source's system, or the
// project's.
func (c *checker) zone() {
	c.p.zone = c.w.book.checkZone(c.p.Timezone, c.r)
	c.p.sinkZone = c.p.zone
	if c.p.Sink.At != nil && c.p.Sink.At.Zone != nil {
		c.p.sinkZone = c.p.Sink.At.Zone
	}
	if c.p.zone == nil && c.p.Source.At != nil {
		c.p.zone = c.p.Source.At.Zone
	}
	if c.w.Project == nil {
		return
	}
	if !c.w.Project.Timezone.IsZero() {
		zone, _ := c.w.book.zone(c.w.Project.Timezone.Value)
		c.p.zone, c.p.sinkZone = cmp.Or(c.p.zone, zone), cmp.Or(c.p.sinkZone, zone)
	}
	c.p.vars = slices.Sorted(slices.Values(c.w.Project.Vars.Keys()))
}

func (c *checker) notify() {
	name := c.p.Notify
	if name.IsZero() || c.w.Project == nil {
		return
	}
	if _, ok := c.w.Project.Alerts.Get(name.Value); !ok {
		c.suggest(name, document.CodeBadChoice, c.w.Project.Alerts.Keys(), "there is no alert %q in tieout.yaml", name.Value)
	}
}

// suggest reports a name that is not among the known ones.
func (c *checker) suggest(at document.Text, code document.Code, known []string, format string, args ...any) {
	s := document.Suggest(at.Value, known)
	d := document.DiagnosticAt(at, code, s.Hint, format, args...)
	d.Fix = s.Fix
	c.r.Add(d)
}

func (c *checker) money() {
	m := c.p.Money
	if m == nil {
		return
	}
	if m.FixedCurrency() {
		if _, known := money.MinorUnits(m.Currency.Value); !known {
			c.r.ErrorAt(m.Currency, document.CodeBadChoice, "Write an ISO 4217 code such as USD, or the name of the field that holds the currency.", "%q is no currency in use", m.Currency.Value)
		}
	}
	for i, name := range m.Amounts {
		if slices.ContainsFunc(m.Amounts[:i], func(t document.Text) bool { return t.Value == name.Value }) {
			c.r.ErrorAt(name, document.CodeDuplicateKey, "Name it once.", "amounts names %q twice", name.Value)
		}
	}
}

// walk plans the steps, rules and gate over the declared fields.
func (c *checker) walk() {
	p := c.p
	tc := p.Context(Values{}, c.w.Tables(), c.r)
	tc.Env.Assumed = c.assume
	shape := p.SourceShape()
	for _, name := range p.Source.Key {
		c.require(shape, name, document.CodeSourceMissingColumn, "the source's key")
	}
	if cursor := p.Source.Cursor; cursor != nil && !cursor.Field.IsZero() && shape.Index(cursor.Field.Value) < 0 {
		c.assume(cursor.Field.Value, cursor.Field)
	}
	out := c.compile(shape, tc)
	for _, name := range p.Sink.Key {
		if !out.broken {
			c.require(out.Out, name, document.CodeSinkMissingKey, "the sink's key")
		}
	}
	for i := range p.Gate {
		if change, ok := p.Gate[i].Spec.(*ChangeCondition); ok {
			c.change(change)
		}
	}
	if !out.broken {
		CheckGate(p.Gate, out.Out, tc)
		p.Scope(out.Out, tc)
		c.marked(out.Out)
		c.settings(out.Out)
	}
}

// require reports a key field that is not there or has no single value.
func (c *checker) require(shape *record.Shape, name document.Text, code document.Code, what string) {
	i := shape.Index(name.Value)
	switch {
	case i >= 0 && shape.Fields[i].Kind.Nested():
		c.r.ErrorAt(name, code, "Name a field with a single value.", "%s names %q, which is a %s", what, name.Value, shape.Fields[i].Kind)
	case i >= 0:
	case shape.Open:
		c.assume(name.Value, name)
	default:
		c.suggest(name, code, shape.Names(), "%s names %q, and no such field reaches the sink", what, name.Value)
	}
}

// change makes sure that what a change condition compares was summed in the
// runs before, and by which currency.
func (c *checker) change(spec *ChangeCondition) {
	if spec.CountsRecords() || spec.Of.IsZero() {
		return
	}
	var amounts []string
	if m := c.p.Money; m != nil {
		amounts = texts(m.Amounts)
		if !m.FixedCurrency() {
			spec.Currency = m.Currency.Value
		}
	}
	if !slices.Contains(amounts, spec.Of.Value) {
		c.suggest(spec.Of, document.CodeGateChange, append([]string{"records"}, amounts...), "change compares records, or an amount listed under money.amounts, not %q", spec.Of.Value)
	}
}

// assume warns, once for each name, that nothing is known of a field before
// the source is opened.
func (c *checker) assume(name string, in document.Text) {
	name = strings.TrimPrefix(name, ".")
	if name == "" || c.assumed[name] {
		return
	}
	c.assumed[name] = true
	at := in
	if i := wordAt(in.Value, name); i >= 0 {
		at = in.Slice(i, i+len(name))
	}
	hint := "Declare it under source.fields to have its type checked now."
	known := c.p.Source.Fields.Keys()
	if s := document.Suggest(name, known); len(s.Near) > 0 {
		hint = strings.SplitN(s.Hint, "\n", 2)[0] + "\n" + hint
	}
	c.r.WarnAt(at, document.CodeSourceDrift, hint, "field %q is not declared; it must exist in %s when the pipeline runs", name, c.origin())
}

// origin names what the pipeline reads.
func (c *checker) origin() string {
	if s := c.p.Source.Stream.Value; s != "" {
		return s
	}
	return "the source"
}

// wordAt finds a name in a text where no other name goes on before or behind
// it, or -1.
func wordAt(text, name string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 || name == "" {
			return -1
		}
		i += from
		end := i + len(name)
		if (i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end])) {
			return i
		}
		from = end
	}
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
