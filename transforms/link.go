package transforms

import (
	"fmt"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Link finds what a record is called in another system. What is known of that
// stands in the project's state: it is imported, or comes of deliveries.
type Link struct {
	Fields  document.Map[document.Text] `yaml:"<new field>" doc:"The field with the key of the record in from; the new field gets the id in to." example:"tenant_id"`
	From    document.Text               `yaml:"from" required:"true" doc:"Where the key belongs, as connection.stream." example:"appfolio.tenants"`
	To      document.Text               `yaml:"to" required:"true" doc:"Whose id is wanted, as connection.stream." example:"quickbooks.customers"`
	Missing string                      `yaml:"missing" enum:"quarantine,nil,abort" default:"quarantine" doc:"What happens to a record without a link: it is held, the field has no value, or the run fails."`
}

// The columns of the table a link is looked up in.
const (
	LinkKey = "key"
	LinkID  = "id"
)

// LinkTable names the table of links between two streams, for Tables.
func LinkTable(from, to string) string { return linkPrefix + from + " -> " + to }

const linkPrefix = "links "

// ParseLinkTable tells the streams of such a name.
func ParseLinkTable(ref string) (from, to string, ok bool) {
	rest, ok := strings.CutPrefix(ref, linkPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, " -> ")
}

// DecodeDocument reads the fixed keys, and takes every other as a new field.
func (s *Link) DecodeDocument(n *document.Node, d *document.Decoder) {
	s.Missing = "quarantine"
	if n.Kind() != document.Mapping {
		d.DecodeField(n, &s.Fields, "")
		return
	}
	for _, key := range n.Keys() {
		value := n.Get(key.Text())
		switch key.Text() {
		case "from":
			d.DecodeField(value, &s.From, "")
		case "to":
			d.DecodeField(value, &s.To, "")
		case "missing":
			d.DecodeField(value, &s.Missing, `enum:"quarantine,nil,abort"`)
		default:
			e := document.Entry[document.Text]{Key: key.Scalar()}
			d.DecodeField(value, &e.Value, "")
			s.Fields.Entries = append(s.Fields.Entries, e)
		}
	}
	const example = "link: { customer: tenant_id, from: appfolio.tenants, to: quickbooks.customers }"
	if s.Fields.Len() == 0 {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write the new field and the field with the key: "+example, "the link names no field")
	}
	for name, at := range map[string]document.Text{"from": s.From, "to": s.To} {
		connection, stream, ok := strings.Cut(at.Value, ".")
		switch {
		case n.Get(name) == nil:
			d.Report.ErrorAt(n, document.CodeMissingKey, example, "\"link\" needs the key %q", name)
		case !at.IsZero() && (!ok || connection == "" || stream == ""):
			d.Report.ErrorAt(at, document.CodeWrongType, "Write it like quickbooks.customers.", "%q is no connection.stream", at.Value)
		}
	}
}

// DocumentType says what is written.
func (s *Link) DocumentType() string {
	return "a mapping of the new field to the field with the key, `from`, `to` and `missing`"
}

// DocumentSchema allows any field beside the keys.
func (s *Link) DocumentSchema(func(any) any) any {
	text := map[string]any{"type": "string"}
	return map[string]any{"type": "object", "required": []any{"from", "to"}, "additionalProperties": text,
		"properties": map[string]any{"from": text, "to": text, "missing": map[string]any{"enum": []any{"quarantine", "nil", "abort"}}}}
}

// Plan makes a lookup of the link.
func (s *Link) Plan(in *record.Shape, c *Context) Plan {
	if s.From.IsZero() || s.To.IsZero() {
		return nil
	}
	shape, plans := in, []Plan(nil)
	for i := range s.Fields.Entries {
		e := &s.Fields.Entries[i]
		l := &Lookup{Missing: s.Missing, Many: "quarantine", In: document.TextAt(LinkTable(s.From.Value, s.To.Value), s.From.Position(0)), link: s}
		l.Match.Entries = []document.Entry[document.Text]{{Key: e.Value, Value: document.TextAt(LinkKey, e.Value.Position(0))}}
		l.Add.Entries = []document.Entry[document.Text]{{Key: e.Key, Value: document.TextAt(LinkID, e.Key.Position(0))}}
		plan := l.Plan(shape, c)
		if plan == nil {
			return nil
		}
		plans, shape = append(plans, plan), plan.Shape()
	}
	if len(plans) == 1 {
		return plans[0]
	}
	return &linkPlan{plans: plans, shape: shape}
}

// linkPlan does one lookup after the other.
type linkPlan struct {
	plans []Plan
	shape *record.Shape
}

// Shape is that behind the last.
func (p *linkPlan) Shape() *record.Shape { return p.shape }

// Start gives the work of one lane.
func (p *linkPlan) Start() Work {
	w := &linkWork{}
	for _, plan := range p.plans {
		w.works = append(w.works, plan.(Rowwise).Start())
	}
	return w
}

type linkWork struct{ works []Work }

// Apply adds every field.
func (w *linkWork) Apply(b *record.Batch, t *Tally) (*record.Batch, error) {
	var err error
	for _, one := range w.works {
		if b, err = one.Apply(b, t); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// unlinked words that there is no link.
func (s *Link) unlinked(key []byte) string {
	return fmt.Sprintf("%s %q is linked to no record of %s", s.From.Value, key, s.To.Value)
}
