package pipelines

import (
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// Missing says what becomes of records of the target that the source no
// longer has: keep, delete or close, or a mapping with the bound of how many
// may be.
type Missing struct {
	Policy document.Text `yaml:"policy"`
	Bound  *MissingBound `yaml:"bound"` // nil when none is written
}

// MissingBound bounds how many records may be deleted or closed: it blocks
// above both. What is not written counts as 0.
type MissingBound struct {
	Max   *Share `yaml:"max" doc:"Largest share of the target's records, or number of them." example:"5%"`
	Allow *int64 `yaml:"allow" doc:"Number that is always allowed; 0 when max is written." example:"5"`
}

// missingKeys is the mapping form of Missing.
type missingKeys struct {
	Delete *MissingBound `yaml:"delete" doc:"Records that are missing are removed."`
	Close  *MissingBound `yaml:"close" doc:"Records that are missing are marked as ended."`
}

// Share is a percentage or a number.
type Share struct {
	Percent *document.Percent `yaml:"percent"`
	Count   int64             `yaml:"count"`
}

// DecodeDocument reads either form.
func (m *Missing) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() != document.Mapping {
		d.DecodeField(n, &m.Policy, `enum:"keep,delete,close"`)
		return
	}
	var keys missingKeys
	d.Decode(n, &keys)
	switch {
	case keys.Delete != nil && keys.Close != nil:
		d.Report.ErrorAt(n.KeyNode("close"), document.CodeOneKey, "Write delete or close.", "missing records are deleted or closed, not both")
	case keys.Delete != nil:
		m.Policy, m.Bound = document.TextAt("delete", n.KeyNode("delete").Position()), keys.Delete
	case keys.Close != nil:
		m.Policy, m.Bound = document.TextAt("close", n.KeyNode("close").Position()), keys.Close
	}
}

// DocumentType says what is written.
func (m *Missing) DocumentType() string {
	return "`keep`, `delete` or `close`, or a mapping of `delete` or `close` to `max` and `allow`"
}

// DocumentSchema allows every form.
func (m *Missing) DocumentSchema(sub func(any) any) any {
	return map[string]any{"anyOf": []any{map[string]any{"enum": []any{"keep", "delete", "close"}}, sub(missingKeys{})}}
}

// DecodeDocument reads 5% or 20.
func (s *Share) DecodeDocument(n *document.Node, d *document.Decoder) {
	if strings.HasSuffix(n.Text(), "%") {
		s.Percent = new(document.Percent)
		d.DecodeField(n, s.Percent, "")
		return
	}
	d.DecodeField(n, &s.Count, "")
}

// DocumentType says what is written.
func (s *Share) DocumentType() string { return "a percentage such as 5%, or a number" }

// DocumentSchema allows both.
func (s *Share) DocumentSchema(sub func(any) any) any {
	return map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 0}, sub(document.Percent{})}}
}

// Missing is what becomes of missing records: keep, delete or close.
func (p *Pipeline) Missing() string {
	if v := p.Sink.Missing.Policy.Value; v != "" {
		return v
	}
	return "keep"
}

// check reports bounds that mean nothing.
func (b *MissingBound) check(at document.Place, r *document.Report) {
	if b == nil {
		return
	}
	if s := b.Max; s != nil && (s.Count < 0 || s.Percent != nil && (s.Percent.Sign() < 0 || decimal.FromInt(100).Less(s.Percent.Decimal))) {
		r.ErrorAt(at, document.CodeSinkMissing, "Write a share from 0% to 100%, or a number from 0.", "max of missing is out of range")
	}
	if b.Allow != nil && *b.Allow < 0 {
		r.ErrorAt(at, document.CodeSinkMissing, "Write a number from 0.", "allow of missing cannot be %d", *b.Allow)
	}
}

// missing checks that it can be known which records the source no longer has.
func (c *checker) missing() {
	s := &c.p.Sink
	at := s.Node.KeyNode("missing")
	if at == nil {
		return
	}
	s.Missing.Bound.check(at, c.r)
	policy := c.p.Missing()
	if policy == "keep" {
		return
	}
	mode := c.p.Mode()
	switch {
	case s.At != nil && !s.At.Kind.Missing:
		c.r.ErrorAt(at, document.CodeSinkMissing, "Remove missing, or write to a database.", "the connector %s cannot %s records", s.At.Kind.Name, policy)
	case mode == "replace":
		c.r.ErrorAt(at, document.CodeSinkMissing, "Remove missing, or replace the mode by upsert.", "replace leaves only the records of one run already")
	case mode == "append":
		c.r.ErrorAt(at, document.CodeSinkMissing, "Give the sink a key and the mode upsert or history.", "append does not know which record is which, so none can be missing")
	case c.p.Source.Compares():
		c.r.ErrorAt(at, document.CodeSinkMissing, "Leave out source.changes so that everything is passed on each time, or leave out missing: with it, records that are gone come with change \"deleted\".",
			"changes: compare passes on only what is new, so what is not passed on is not missing")
	case c.p.Source.Cursor != nil:
		c.r.ErrorAt(at, document.CodeSinkMissing, "Leave out source.cursor so that everything is read each time, or leave out missing.",
			"with a cursor a run reads only what is new, so what it does not read is not missing")
	}
}

// where checks where `where` stands; what it says is checked with the fields.
func (c *checker) where() {
	s := &c.p.Sink
	if s.Where.IsZero() {
		return
	}
	mode := c.p.Mode()
	switch {
	case s.At != nil && !s.At.Kind.Missing:
		c.r.ErrorAt(s.Where, document.CodeSinkWhere, "Remove where, or write to a database.", "the connector %s replaces all of its target", s.At.Kind.Name)
	case mode != "replace" && c.p.Missing() == "keep":
		c.r.ErrorAt(s.Where, document.CodeSinkWhere, "Remove where, write mode: replace, or say what becomes of missing records. To load only some records, use a filter.",
			"where bounds what a load takes away, and the mode %s takes nothing away", mode)
	}
}

// marked reports fields that the load fills by itself.
func (c *checker) marked(shape *record.Shape) {
	var names []string
	switch {
	case c.p.Mode() == "history":
		names = []string{"valid_from", "valid_to"}
	case c.p.Mode() == "upsert" && c.p.Missing() == "close":
		names = []string{"closed_at"}
	}
	for _, name := range names {
		if shape.Index(name) >= 0 {
			c.r.ErrorAt(keyOf(c.p.Sink.Node), document.CodeSinkMode, "Rename the field in a step: rename: { my_"+name+": "+name+" }", "the load fills the column %q by itself, and a field has that name", name)
		}
	}
}

// Scope reads `where` over records of a shape, nil when there is none. What is
// wrong is reported to c.Report.
func (p *Pipeline) Scope(shape *record.Shape, c *transforms.Context) []expression.Comparison {
	if p.Sink.Where.IsZero() {
		return nil
	}
	env := c.Env
	env.Shape = shape
	return expression.Comparisons(p.Sink.Where, &env, p.Sink.Where.Path(), c.Report)
}
