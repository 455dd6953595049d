package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
)

// writeRunDetail shows a run for people: what failed first.
func (a *app) writeRunDetail(w io.Writer, d *runDetail) {
	r := &d.Run
	fmt.Fprintf(w, "run %s  %s  %s\n", r.RunID, r.Pipeline, r.Status)
	writeGate(w, r)
	if r.Error != "" {
		code := r.ErrorCode
		if code == "" {
			code = "error"
		}
		fmt.Fprintf(w, "  %s: %s\n", code, indented(r.Error))
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", text)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("started", "%s by %s", when(r.StartedAt), r.Trigger)
	if !r.Slot.IsZero() {
		local := when(r.Slot)
		if d.Scheduled != nil {
			local = d.Scheduled.Local + " " + d.Scheduled.Zone
		}
		line("slot", "%s, attempt %d", local, r.Attempt)
	}
	line("finished", "%s", when(r.FinishedAt))
	line("as of", "%s", when(r.AsOf))
	line("target", "%s, %s", r.Stream, r.Mode)
	line("load", "%s", r.LoadID)
	if r.ConfigHash != "" {
		line("config", "%s", r.ConfigHash)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		line("table", "%s %s", name, short(r.Tables[name], 16))
	}
	writeRunCounts(w, &r.Counts)
	writeSteps(w, r)
	writePositions(w, r)
	writeHeldOfRun(w, d)
	if len(d.Held) > 0 {
		fmt.Fprintf(w, "Next: tieout quarantine show %d\n", d.Held[0].ID)
		return
	}
	fmt.Fprintf(w, "Next: tieout runs list --pipeline %s\n", r.Pipeline)
}

func writeGate(w io.Writer, r *runner.Run) {
	for _, f := range r.Gate.Findings {
		word := "passed"
		switch {
		case f.Warn && !f.Passed:
			word = "WARNING"
		case !f.Passed:
			word = "FAILED"
		}
		fmt.Fprintf(w, "  gate %-7s %s: limit %s, was %s\n", word, f.Condition, f.Limit, f.Actual)
		if f.Passed {
			continue
		}
		fmt.Fprintf(w, "               %s\n", indented(f.Message))
		for _, example := range f.Examples {
			fmt.Fprintf(w, "               for example %s\n", example)
		}
	}
}

func writeRunCounts(w io.Writer, c *connectors.Counts) {
	fmt.Fprintf(w, "  %-12s %s read, %s repeated, %s filtered, %s held, %s to the target\n", "records",
		thousands(c.Read), thousands(c.Repeated), thousands(c.Filtered), thousands(c.Held), thousands(c.Written))
	fmt.Fprintf(w, "  %-12s %s new, %s changed, %s unchanged, %s deleted, %s refused\n", "target rows",
		thousands(c.Inserted), thousands(c.Changed), thousands(c.Unchanged), thousands(c.Deleted), thousands(c.Refused))
}

func writeSteps(w io.Writer, r *runner.Run) {
	if len(r.Steps) == 0 {
		return
	}
	var rows [][]string
	for _, s := range r.Steps {
		t := s.Tally
		rows = append(rows, []string{"  " + s.Step, thousands(t.In), thousands(t.Created), thousands(t.Out), thousands(t.Merged),
			thousands(t.Dropped), thousands(t.Filtered), thousands(t.Held)})
	}
	table(w, []string{"  step", ">in", ">created", ">out", ">merged", ">dropped", ">filtered", ">held"}, rows)
	for _, key := range slices.Sorted(maps.Keys(r.Sums)) {
		fmt.Fprintf(w, "  %-12s %s %s\n", "total", key, amountText(r.Sums[key]))
	}
}

func writePositions(w io.Writer, r *runner.Run) {
	if r.Before == nil && r.After == nil {
		return
	}
	if r.Status != runner.Loaded && r.Status != runner.NothingNew {
		fmt.Fprintf(w, "  %-12s stays at %s\n", "position", positionText(r.Before))
		return
	}
	fmt.Fprintf(w, "  %-12s %s to %s\n", "position", positionText(r.Before), positionText(r.After))
}

// positionText writes a position for people.
func positionText(p *connectors.Position) string {
	if p == nil || p.Field == "" {
		return "the beginning"
	}
	return p.Field + " " + p.Text
}

func writeHeldOfRun(w io.Writer, d *runDetail) {
	for i := range d.Held {
		writeHeldEntry(w, &d.Held[i])
	}
	if rest := d.Counts.Held + d.Counts.Refused - int64(len(d.Held)); rest > 0 && len(d.Held) > 0 {
		fmt.Fprintf(w, "  and %s more\n", thousands(rest))
	}
}

// writeHeldEntry is one held record with every reason.
func writeHeldEntry(w io.Writer, e *state.HeldEntry) {
	place := ""
	if e.Line > 0 {
		place = fmt.Sprintf(" (%s line %d)", e.Input, e.Line)
	}
	fmt.Fprintf(w, "  held %d  %s%s  %s\n", e.ID, short(e.Key, 40), place, e.Status)
	for _, reason := range e.Reasons {
		fmt.Fprintf(w, "       %s: %s\n", reason.Code, indented(reason.Message))
	}
}
