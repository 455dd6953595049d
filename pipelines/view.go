package pipelines

import (
	"path"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/expression"
	"github.com/tieout/tieout/transforms/fieldtype"
	"github.com/tieout/tieout/transforms/money"
)

// Name is the pipeline's name, with that of its row when it has one:
// invoices.acme.
func (p *Pipeline) Name() string {
	if p.Each != nil {
		return p.Pipeline.Value + "." + p.Each.Name
	}
	return p.Pipeline.Value
}

// Mode is the load mode: as written, else upsert with a key and append without.
func (p *Pipeline) Mode() string {
	switch {
	case p.Sink.Mode.Value != "":
		return p.Sink.Mode.Value
	case len(p.Sink.Key) > 0:
		return "upsert"
	}
	return "append"
}

// SourceKey names the fields that identify a record of the source.
func (p *Pipeline) SourceKey() []string { return texts(p.Source.Key) }

// SinkKey names the fields that identify a record of the target.
func (p *Pipeline) SinkKey() []string { return texts(p.Sink.Key) }

// SourceOptions are the connector's keys of source, nil when the connection
// is not usable.
func (p *Pipeline) SourceOptions() any { return p.Source.Options }

// SinkOptions are those of sink.
func (p *Pipeline) SinkOptions() any { return p.Sink.Options }

func texts(list []document.Text) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Value
	}
	return out
}

// Zone is where the pipeline's local dates and the source's zone-less stamps
// belong: the pipeline's own zone, else that of the source's connection, else
// the project's. It is nil when none of them names one.
func (p *Pipeline) Zone() *time.Location { return p.zone }

// SinkZone is where the sink's zone-less columns belong: the zone of the
// sink's connection, else the pipeline's own, else the project's. It is nil
// when none of them names one.
func (p *Pipeline) SinkZone() *time.Location { return p.sinkZone }

// SourceShape is the shape of the source's records as declared. It is open:
// the source may have further fields.
func (p *Pipeline) SourceShape() *record.Shape {
	s := fieldtype.Shape(p.Source.Types())
	if p.Source.Compares() && s.Index(ChangeField) < 0 {
		s = record.MustShape(append(s.Fields[:len(s.Fields):len(s.Fields)], record.NewField(ChangeField, record.Text))...)
	}
	s = p.withNames(s)
	s.Open = !p.Closed()
	return s
}

// Assume is the kind of a field nobody declared: text in a CSV file or a
// sheet, and not known where the source itself tells.
func (p *Pipeline) Assume() record.Kind {
	if p.Source.At == nil || p.Source.At.Kind.Typed || p.Source.Node == nil {
		return record.Unknown
	}
	stream := strings.ToLower(p.Source.Stream.Value)
	format := path.Ext(strings.TrimSuffix(stream, ".gz"))
	if n := p.Source.Node.Get("format"); n != nil {
		format = "." + strings.ToLower(n.Text())
	}
	switch format {
	case ".csv", ".tsv", ".txt", ".xlsx", ".xlsm":
		return record.Text
	}
	return record.Unknown
}

// Env is what the pipeline's expressions may read beside their record:
// run.as_of, run.date (in Zone, or UTC when there is none) and var.NAME.
func (p *Pipeline) Env(v Values) expression.Env {
	env := expression.Env{Assume: p.Assume(), Zone: p.zone, Money: p.Money.settings()}
	if v.AsOf.IsZero() {
		env.Names = append(env.Names, expression.UnsetConstant("run.as_of", record.Timestamp), expression.UnsetConstant("run.date", record.Date))
	} else {
		zone := p.zone
		if zone == nil {
			zone = time.UTC
		}
		micros := v.AsOf.UnixMicro()
		env.Names = append(env.Names, expression.TimestampConstant("run.as_of", micros),
			expression.DateConstant("run.date", calendar.LocalDate(micros, zone)))
	}
	switch {
	case p.ForEach == nil:
	case p.Each != nil && !v.AsOf.IsZero():
		env.Names = append(env.Names, p.Each.constants(p.ForEach.As.Value)...)
	case len(p.rows) > 0:
		for _, name := range p.rows[0].fields {
			env.Names = append(env.Names, expression.UnsetConstant(p.ForEach.As.Value+"."+name, record.Text))
		}
	}
	for _, name := range p.vars {
		if value, ok := v.Vars[name]; ok && !v.AsOf.IsZero() {
			env.Names = append(env.Names, expression.TextConstant("var."+name, value))
		} else {
			env.Names = append(env.Names, expression.UnsetConstant("var."+name, record.Text))
		}
	}
	return env
}

// settings says how amounts are rounded.
func (m *Money) settings() expression.Money {
	s := expression.Money{Places: 2, Mode: decimal.HalfUp}
	if m == nil {
		return s
	}
	if mode, err := decimal.ParseMode(m.Rounding); err == nil {
		s.Mode = mode
	}
	if m.FixedCurrency() {
		s.Currency = m.Currency.Value
		s.Places, _ = money.MinorUnits(m.Currency.Value)
	}
	return s
}

// Context is what the pipeline's steps are planned with.
func (p *Pipeline) Context(v Values, tables transforms.Tables, r *document.Report) *transforms.Context {
	return &transforms.Context{Env: p.Env(v), Report: r, Tables: tables, Incremental: p.Source.Partial(), SourceKey: p.SourceKey()}
}
