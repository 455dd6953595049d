package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain PIPELINE",
		Short: "Say what a pipeline does: what it reads, the fields behind each step, what it writes and what stops it",
		Example: `  tieout explain rent_roll
  tieout explain rent_roll -o json`,
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE:              func(_ *cobra.Command, args []string) error { return a.explain(args[0]) },
	}
}

// explanation is what a pipeline does, as far as it is known before it runs.
type explanation struct {
	Pipeline    string         `json:"pipeline"`
	Description string         `json:"description,omitempty"`
	File        string         `json:"file"`
	Runs        string         `json:"runs"`
	Reads       string         `json:"reads"`
	Since       string         `json:"since"`
	Fields      []explainField `json:"fields"`
	Open        bool           `json:"open"` // the source may have further fields
	Steps       []explainStep  `json:"steps"`
	Rules       []explainRule  `json:"rules"`
	Gate        []string       `json:"gate"`
	Writes      string         `json:"writes"`
	Zone        string         `json:"zone,omitempty"`
	Amounts     []string       `json:"amounts,omitempty"`
	Row         string         `json:"row,omitempty"`
}

type explainField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type explainStep struct {
	Step    string         `json:"step"`
	At      string         `json:"at"`
	Adds    []explainField `json:"adds,omitempty"`
	Changes []explainField `json:"changes,omitempty"`
	Removes []string       `json:"removes,omitempty"`
}

type explainRule struct {
	Name      string `json:"name"`
	Expect    string `json:"expect"`
	Otherwise string `json:"otherwise"`
}

func (a *app) explain(name string) error {
	p, pipeline, err := a.sound(name)
	if err != nil {
		return err
	}
	shape := pipeline.SourceShape()
	c := pipeline.Context(pipelines.Values{}, p.Workspace.Tables(), new(document.Report))
	compiled := pipeline.Compile(shape, c)
	if compiled == nil {
		return c.Report.Err()
	}
	e := explanation{Pipeline: pipeline.Name(), Description: pipeline.Description, File: pipeline.File, Runs: runsWhen(pipeline), Reads: reads(pipeline),
		Since: since(pipeline), Fields: fieldsOf(shape), Open: shape.Open, Gate: gateOf(pipeline), Writes: writes(pipeline)}
	before := shape
	for i, plan := range compiled.Plans {
		step := explainStep{Step: compiled.Names[i], At: fmt.Sprintf("%s:%d", pipeline.File, pipeline.Transforms[i].At.Line)}
		step.compare(before, plan.Shape())
		before = plan.Shape()
		e.Steps = append(e.Steps, step)
	}
	for i := range pipeline.Rules {
		r := &pipeline.Rules[i]
		e.Rules = append(e.Rules, explainRule{Name: r.Name.Value, Expect: r.Expect.Value, Otherwise: r.Otherwise})
	}
	if z := pipeline.Zone(); z != nil {
		e.Zone = z.String()
	}
	if m := pipeline.Money; m != nil {
		for _, amount := range m.Amounts {
			e.Amounts = append(e.Amounts, amount.Value)
		}
	}
	if pipeline.Each != nil {
		e.Row = pipeline.Each.Name
	}
	return a.out.write(exitOK, "", e, e.text)
}

// compare says what a step did to the fields.
func (s *explainStep) compare(before, after *record.Shape) {
	for i := range after.Fields {
		f := &after.Fields[i]
		switch at := before.Index(f.Name); {
		case at < 0:
			s.Adds = append(s.Adds, explainField{f.Name, typeOf(f)})
		case typeOf(&before.Fields[at]) != typeOf(f):
			s.Changes = append(s.Changes, explainField{f.Name, typeOf(f)})
		}
	}
	for i := range before.Fields {
		if name := before.Fields[i].Name; after.Index(name) < 0 {
			s.Removes = append(s.Removes, name)
		}
	}
}

func fieldsOf(s *record.Shape) []explainField {
	out := make([]explainField, len(s.Fields))
	for i := range s.Fields {
		out[i] = explainField{s.Fields[i].Name, typeOf(&s.Fields[i])}
	}
	return out
}

func typeOf(f *record.Field) string {
	kind := f.Kind.String()
	if f.Kind == record.Unknown {
		kind = "known when it runs"
	}
	if f.Kind == record.Decimal && f.Scale != record.NoScale {
		kind = fmt.Sprintf("decimal, %d digits", f.Scale)
	}
	if f.Child != nil {
		var names []string
		for i := range f.Child.Fields {
			names = append(names, f.Child.Fields[i].Name)
		}
		kind += " of " + strings.Join(names, ", ")
	}
	return kind
}

func runsWhen(p *pipelines.Pipeline) string {
	if p.Schedule == nil {
		return "when somebody runs it"
	}
	var parts []string
	if t := p.Timetable(); t != nil {
		parts = append(parts, t.String())
	}
	if after := p.After(); len(after) > 0 {
		parts = append(parts, "after "+strings.Join(after, ", "))
	}
	if p.Schedule.On != nil && !p.Schedule.On.Files.IsZero() {
		parts = append(parts, "when files arrive at "+p.Schedule.On.Files.Value)
	}
	return strings.Join(parts, ", ")
}

func reads(p *pipelines.Pipeline) string {
	what := p.Source.Stream.Value
	if what == "" {
		what = "a query"
	}
	kind := ""
	if p.Source.At != nil {
		kind = " (" + p.Source.At.Kind.Name + ")"
	}
	return fmt.Sprintf("%s of %s%s", what, p.Source.Connection.Value, kind)
}

func since(p *pipelines.Pipeline) string {
	switch c := p.Source.Cursor; {
	case p.Source.Compares():
		return "everything, and passes on what was added, changed or deleted since the last load"
	case c == nil:
		return "everything, each time"
	case !c.Start.IsZero():
		return fmt.Sprintf("what is new by %s, at first from %s", c.Field.Value, c.Start.Value)
	default:
		return fmt.Sprintf("what is new by %s, at first everything", c.Field.Value)
	}
}

// gateOf names the conditions, the one that is always on among them.
func gateOf(p *pipelines.Pipeline) []string {
	var out []string
	for i := range p.Gate {
		name := p.Gate[i].Name
		if p.Gate[i].Warns() {
			name += " (warns)"
		}
		out = append(out, name)
	}
	if !slices.ContainsFunc(p.Gate, func(c pipelines.Condition) bool { return c.Name == "quarantined" }) {
		out = append(out, "quarantined (always on: at most 1% of the records, or 5, never above 1000)")
	}
	return out
}

func writes(p *pipelines.Pipeline) string {
	kind := ""
	if p.Sink.At != nil {
		kind = " (" + p.Sink.At.Kind.Name + ")"
	}
	text := fmt.Sprintf("%s of %s%s, mode %s", p.Sink.Stream.Value, p.Sink.Connection.Value, kind, p.Mode())
	if key := p.SinkKey(); len(key) > 0 {
		text += ", key " + strings.Join(key, ", ")
	}
	if m := p.Missing(); m != "" && m != "keep" {
		text += ", missing: " + m
	}
	return text
}

func (e *explanation) text(w io.Writer) {
	fmt.Fprintf(w, "%s  (%s)\n", e.Pipeline, e.File)
	if e.Description != "" {
		fmt.Fprintf(w, "%s\n", e.Description)
	}
	fmt.Fprintf(w, "\nruns    %s\nreads   %s\n        %s\n", e.Runs, e.Reads, e.Since)
	rows := [][]string{}
	for _, f := range e.Fields {
		rows = append(rows, []string{"        " + f.Name, f.Type})
	}
	if e.Open {
		rows = append(rows, []string{"        …", "and what else the source has"})
	}
	table(w, []string{"        field", "type"}, rows)
	for i := range e.Steps {
		s := &e.Steps[i]
		fmt.Fprintf(w, "step %-2d %s  (%s)\n", i+1, s.Step, s.At)
		writeFields(w, "+", s.Adds)
		writeFields(w, "~", s.Changes)
		if len(s.Removes) > 0 {
			fmt.Fprintf(w, "        - %s\n", strings.Join(s.Removes, ", "))
		}
	}
	for _, r := range e.Rules {
		fmt.Fprintf(w, "rule    %s: %s, otherwise %s\n", r.Name, strings.Join(strings.Fields(r.Expect), " "), r.Otherwise)
	}
	for _, g := range e.Gate {
		fmt.Fprintf(w, "gate    %s\n", g)
	}
	if len(e.Amounts) > 0 {
		fmt.Fprintf(w, "sums    %s at every step\n", strings.Join(e.Amounts, ", "))
	}
	fmt.Fprintf(w, "writes  %s\n", e.Writes)
	fmt.Fprintf(w, "Next: tieout preview %s\n", e.Pipeline)
}

func writeFields(w io.Writer, sign string, fields []explainField) {
	for _, f := range fields {
		fmt.Fprintf(w, "        %s %s: %s\n", sign, f.Name, f.Type)
	}
}
