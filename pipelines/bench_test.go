package pipelines_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/tieout/tieout/pipelines"
)

const small = `pipeline: small_%d
source:
  connection: files
  stream: rent_%d.csv
  fields: { id: text, rent: decimal, move_in: date, move_out: date }
transforms:
  - filter: rent != 0
  - set:
      period: month_of(run.date)
      due: prorate(rent, move_in, move_out, period, "actual")
      fee: if due > 100 { round(due * 0.05, 2) } else { 0 }
rules:
  - { name: rent is not negative, expect: rent >= 0 }
  - name: due is not above rent
    expect: due <= rent and fee <= due
sink: { connection: warehouse, stream: rent_roll, key: [id], mode: upsert }
`

// BenchmarkLoad loads and checks a thousand small pipelines. The bar is 0.5 s
// on two cores.
func BenchmarkLoad(b *testing.B) {
	root := fstest.MapFS{"tieout.yaml": {Data: []byte(project)}}
	for i := range 1000 {
		root[fmt.Sprintf("pipelines/small_%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, small, i, i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		w := pipelines.Load(root, pipelines.Options{Connectors: connectors()})
		if found := w.Report.Diagnostics(); len(found) > 0 || len(w.Pipelines) != 1000 {
			b.Fatal(len(w.Pipelines), found[0])
		}
	}
}
