package sql

import (
	"context"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// kept are the keys of records that the source has and that do not reach the
// target: held by the run, or refused on the way into staging.
type kept struct {
	shape *record.Shape // of the keys
	typed []byte        // keys as rows of shape
	rows  int
	texts [][][]byte // keys known as the database's own texts
	all   bool       // nothing is missing
}

// keyShape is the shape of the keys of a load.
func keyShape(load connectors.Load) *record.Shape {
	s := new(record.Shape)
	for _, name := range load.Key {
		if i := load.Shape.Index(name); i >= 0 {
			s.Fields = append(s.Fields, load.Shape.Fields[i])
		}
	}
	return s
}

// add takes the keys of the live rows of a batch of keys.
func (k *kept) add(b *record.Batch) {
	for _, row := range b.Live {
		k.typed = record.AppendRow(k.typed, b, int(row))
		k.rows++
	}
}

// addRow takes the key of a row of the load, if it has one.
func (k *kept) addRow(p *plan, b *record.Batch, row int) {
	if k == nil || p.missingKey(b, row) != "" {
		return
	}
	one := record.Batch{Shape: k.shape, Rows: b.Rows}
	for _, i := range p.keys {
		one.Columns = append(one.Columns, b.Columns[p.columns[i].index])
	}
	k.typed = record.AppendRow(k.typed, &one, row)
	k.rows++
}

// addTexts takes the key of a row known by the texts of its columns.
func (k *kept) addTexts(p *plan, texts [][]byte) {
	if k == nil {
		return
	}
	key := make([][]byte, len(p.keys))
	for n, i := range p.keys {
		key[n] = texts[i]
	}
	k.texts = append(k.texts, key)
}

// batches gives all keys back, those of one kind after the other.
func (k *kept) batches(yield func(*record.Batch) error) error {
	var b record.Batch
	rest, seq := k.typed, int64(0)
	for len(rest) > 0 {
		b.Reset(k.shape, 0)
		for b.Rows < record.BatchRows && len(rest) > 0 {
			var err error
			if rest, err = record.ReadRow(rest, &b); err != nil {
				return err
			}
		}
		b.Seq = seq
		seq++
		if err := yield(&b); err != nil {
			return err
		}
	}
	return k.batchesOfTexts(seq, yield)
}

func (k *kept) batchesOfTexts(seq int64, yield func(*record.Batch) error) error {
	var b record.Batch
	texts := new(record.Shape)
	for i := range k.shape.Fields {
		texts.Fields = append(texts.Fields, record.NewField(k.shape.Fields[i].Name, record.Text))
	}
	for _, key := range k.texts {
		b.Reset(texts, 1)
		for i, text := range key {
			b.Columns[i].SetText(0, text)
		}
		b.Seq = seq
		seq++
		if err := yield(&b); err != nil {
			return err
		}
	}
	return nil
}

// keep brings the kept keys into a table of their own. A key that the target
// could not hold is in no row of it.
func (m *merge) keep(ctx context.Context) error {
	if m.kept == nil || m.kept.rows+len(m.kept.texts) == 0 {
		return nil
	}
	p := *m.plan
	p.stage, p.columns, p.keys = "tieout_present", nil, nil
	for n, i := range m.plan.keys {
		c := m.plan.columns[i]
		c.index = n
		p.columns = append(p.columns, c)
	}
	var err error
	m.plan.present, err = m.dialect.present(ctx, m.session, &p, m.plan, m.kept)
	return err
}
