package pipelines_test

import (
	"testing"

	"github.com/tieout/tieout/pipelines"
)

const rentRoll = `# the smallest pipeline
pipeline: rent_roll
source:
  connection: files
  stream: rent.csv
  fields: { id: text, rent: decimal, move_in: date, move_out: date, charged_on: date }
transforms:
  - set:
      due: prorate(rent, move_in, move_out, month_of(charged_on), "actual")
rules:
  - { name: rent is not negative, expect: rent >= 0 }
sink: { connection: warehouse, stream: rent_roll, key: [id], mode: upsert }
`

func TestSmallest(t *testing.T) {
	w := load(pipelines.Options{}, "tieout.yaml", project, "pipelines/rent_roll.yaml", rentRoll)
	for _, d := range w.Report.Diagnostics() {
		t.Errorf("%s\n%s", d, d.Hint)
	}
}
