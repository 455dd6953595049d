package sql

import (
	"fmt"
	"sort"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// refusals collects the records of a load that the target does not take, up
// to the number the load allows.
type refusals struct {
	list    []connectors.Refusal
	most    int
	origins []origin
	kept    *kept // where refused keys go, nil when nobody asks for them
}

// origin remembers where the rows of a batch came from, in a few bytes where
// their lines follow one another.
type origin struct {
	seq   int64
	input string
	first int64   // line of row 0
	delta []int32 // lines of the other rows from there; nil when they count up
}

// remember keeps the origin of a batch.
func (r *refusals) remember(b *record.Batch) {
	o := origin{seq: b.Seq, input: b.Origin.Input}
	if lines := b.Origin.Line; len(lines) > 0 {
		o.first = lines[0]
		for i, line := range lines {
			if line != o.first+int64(i) {
				o.delta = deltas(lines)
				break
			}
		}
	}
	r.origins = append(r.origins, o)
}

func deltas(lines []int64) []int32 {
	out := make([]int32, len(lines))
	for i, line := range lines {
		out[i] = int32(line - lines[0])
	}
	return out
}

// place finds where a row came from; line 0 is unknown.
func (r *refusals) place(seq int64, row int32) (input string, line int64) {
	i := sort.Search(len(r.origins), func(i int) bool { return r.origins[i].seq >= seq })
	if i == len(r.origins) || r.origins[i].seq != seq {
		return "", 0
	}
	o := &r.origins[i]
	switch {
	case o.first == 0:
		return o.input, 0
	case o.delta == nil:
		return o.input, o.first + int64(row)
	case int(row) < len(o.delta):
		return o.input, o.first + int64(o.delta[row])
	}
	return o.input, 0
}

// add takes one more refusal, or says that there are too many.
func (r *refusals) add(refused connectors.Refusal) error {
	if len(r.list) >= r.most {
		return fmt.Errorf("%w: more than %d; the last one: %s", connectors.ErrTooManyRefused, r.most, refused.Reason)
	}
	r.list = append(r.list, refused)
	return nil
}

// addRow refuses a record that still stands in its batch.
func (r *refusals) addRow(b *record.Batch, p *plan, row int32, reason, column string) error {
	r.kept.addRow(p, b, int(row))
	refused := connectors.Refusal{Seq: b.Seq, Row: row, Reason: reason, Key: p.keyText(b, int(row)), Record: record.AppendRowJSON(nil, b, int(row))}
	if column != "" {
		refused.Columns = []string{column}
	}
	refused.Input, refused.Line = r.place(b.Seq, row)
	return r.add(refused)
}

// addTexts refuses a record known by the texts of its columns, nil for none.
func (r *refusals) addTexts(p *plan, number int64, texts [][]byte, reason string, columns []string) error {
	r.kept.addTexts(p, texts)
	refused := connectors.Refusal{Seq: number >> rowBits, Row: int32(number & (1<<rowBits - 1)), Reason: reason, Columns: columns}
	refused.Input, refused.Line = r.place(refused.Seq, refused.Row)
	refused.Record = []byte{'{'}
	for i := range p.columns {
		if i > 0 {
			refused.Record = append(refused.Record, ',')
		}
		refused.Record = append(record.AppendJSONString(refused.Record, []byte(p.columns[i].name)), ':')
		if texts[i] == nil {
			refused.Record = append(refused.Record, "null"...)
		} else {
			refused.Record = record.AppendJSONString(refused.Record, texts[i])
		}
	}
	refused.Record = append(refused.Record, '}')
	for n, i := range p.keys {
		if n > 0 {
			refused.Key += "|"
		}
		refused.Key += string(texts[i])
	}
	return r.add(refused)
}

// keyText joins the values of a row's key by "|".
func (p *plan) keyText(b *record.Batch, row int) string {
	var out []byte
	for n, i := range p.keys {
		if n > 0 {
			out = append(out, '|')
		}
		c := &b.Columns[p.columns[i].index]
		if c.Presence[row] == record.Value {
			out = record.AppendValue(out, &p.columns[i].field, c, row)
		}
	}
	return string(out)
}

// missingKey names the key column in which a row has no value, or "".
func (p *plan) missingKey(b *record.Batch, row int) string {
	for _, i := range p.keys {
		if b.Columns[p.columns[i].index].Presence[row] != record.Value {
			return p.columns[i].name
		}
	}
	return ""
}

// noKey is the reason of a record without a key.
func noKey(column string) string {
	return fmt.Sprintf("%s: key column %q has no value", document.CodeSinkMissingKey, column)
}
