package runner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/memory"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/schemas/record"
)

// forgetful is a source that brings everything when it is asked for changes
// older than 30 days.
type forgetful struct{ connectors.Source }

func (forgetful) Reach(string) time.Duration { return 30 * 24 * time.Hour }

// What a source brings because its position is too old is not thrown away for
// the sake of that position.
func TestAPositionTheSourceHasForgotten(t *testing.T) {
	on := func(id, daysAgo int) memory.Row {
		row := charge(id, "2.00", 0)
		row["day"] = time.Now().AddDate(0, 0, -daysAgo).Format(time.DateOnly)
		return row
	}
	fields := []string{"id", "rent", "day"}
	dated := func(j *runner.Job) {
		j.Read.Fields[2].Kind = record.Date
		j.Source = forgetful{j.Source}
	}
	t.Run("upsert", func(t *testing.T) {
		f := newFixture(t, "upsert")
		f.db.Set("charges", fields, on(1, 40))
		f.want(f.run(dated), runner.Loaded, "1=1.00")
		f.db.Set("charges", fields, on(1, 40), on(2, 60))
		f.want(f.run(dated), runner.Loaded, "1=1.00", "2=1.00")
		f.db.Set("charges", fields, on(1, 40), on(3, 5))
		f.want(f.run(dated), runner.Loaded, "1=1.00", "2=1.00", "3=1.00")
		f.db.Set("charges", fields, on(4, 60)) // the position is young enough again
		f.want(f.run(dated), runner.NothingNew, "1=1.00", "2=1.00", "3=1.00")
	})
	t.Run("append", func(t *testing.T) {
		f := newFixture(t, "append")
		f.db.Set("charges", fields, on(1, 40))
		f.want(f.run(dated), runner.Loaded, "1=1.00")
		f.db.Set("charges", fields, on(1, 40), on(2, 60), on(3, 5))
		run := f.run(dated)
		f.want(run, runner.Loaded, "1=1.00", "3=1.00")
		if len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], "older than the 30d") {
			t.Error(run.Warnings)
		}
	})
}
