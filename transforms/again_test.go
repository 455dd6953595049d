package transforms

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// A lane applies the same works to one batch after the other: what a step
// keeps for the next batch must not be what a step behind it writes to.
func TestStepsOverManyBatches(t *testing.T) {
	line := record.NewField("lines", record.List)
	line.Child = record.MustShape(text("a"), text("b"), amount("c"))
	shape := record.MustShape(text("id"), text("note"), line)
	for name, yaml := range map[string]string{
		"plain": "  - explode: {list: lines}\n  - set: {x: id + a, y: b + note, z: c * 2}\n  - select: [y, x, id, z, a]\n",
		"as":    "  - explode: {list: lines, as: l}\n  - set: {x: id + l.a, y: l.b + note, z: l.c * 2, a: l.a}\n  - select: [y, x, id, z, a]\n",
		"moved": "  - explode: {list: lines}\n  - rename: {p: id}\n  - set: {x: p + a, y: b + note, z: c * 2, id: p}\n  - set: {note: id}\n  - select: [y, x, id, z, a]\n",
	} {
		t.Run(name, func(t *testing.T) {
			var works []Work
			var report document.Report
			at := shape
			for _, s := range steps(t, yaml) {
				plan := s.Spec.Plan(at, context(&report, nil))
				if err := report.Err(); err != nil {
					t.Fatal(report.Diagnostics())
				}
				at = plan.Shape()
				works = append(works, plan.(Rowwise).Start())
			}
			var entry, work record.Batch
			for n := range 6 {
				entry.Reset(shape, 40)
				var want, got []string
				for row := range 40 {
					id := fmt.Sprint(n*1000+row, "-", row%7)
					entry.Columns[0].SetString(row, id)
					entry.Columns[1].SetString(row, "n"+id)
					child := entry.Columns[2].Child
					for k := range (row + n) % 4 {
						child.SetRows(child.Rows + 1)
						child.Live = append(child.Live, int32(child.Rows-1))
						child.Columns[0].SetString(child.Rows-1, fmt.Sprint("a", k))
						child.Columns[1].SetString(child.Rows-1, fmt.Sprint("b", k*k))
						child.Columns[2].SetCoef(child.Rows-1, int64(k), 0)
						want = append(want, fmt.Sprintf(`{"y":"b%dn%s","x":"%sa%d","id":%q,"z":"%d","a":"a%d"}`, k*k, id, id, k, id, 2*k, k))
					}
					entry.Columns[2].EndList(row, record.Value)
				}
				entry.Derive(&work)
				b := &work
				for _, w := range works {
					var err error
					if b, err = w.Apply(b, new(Tally)); err != nil {
						t.Fatal(err)
					}
				}
				for _, row := range b.Live {
					got = append(got, string(record.AppendRowJSON(nil, b, int(row))))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("batch %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}
