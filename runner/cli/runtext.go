package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
)

// writeRun is the summary of one run for people: what failed first, then the
// counts, the balance, and the held records with their reasons.
func (a *app) writeRun(w io.Writer, r *runReport) {
	mark, word := a.mark(r)
	took := r.FinishedAt.Sub(r.StartedAt)
	fmt.Fprintf(w, "%s %s  %s", mark, r.Pipeline, word)
	if r.RunID != "" {
		fmt.Fprintf(w, " in %.1f s", took.Seconds())
	}
	fmt.Fprintln(w)
	for _, f := range r.Gate.Findings {
		if !f.Passed {
			kind := "gate"
			if f.Warn {
				kind = "gate, warning"
			}
			fmt.Fprintf(w, "  %s: %s: %s\n", kind, f.Condition, f.Message)
		}
	}
	if r.Failure != nil {
		code := r.Failure.Code + ": "
		if strings.Contains(r.Failure.Message, " "+r.Failure.Code+" ") || strings.HasPrefix(r.Failure.Message, code) {
			code = "" // it has its code in front already
		}
		fmt.Fprintf(w, "  %s%s\n", code, strings.ReplaceAll(r.Failure.Message, "\n", "\n  "))
		if r.Failure.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", strings.ReplaceAll(r.Failure.Hint, "\n", "\n  "))
		}
	}
	if r.RunID == "" {
		return
	}
	a.writeCounts(w, r)
	a.writeBalance(w, r)
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	a.writeHeld(w, r)
	if r.After != nil && r.Exit == exitOK && r.Status != runner.DryRun && positionText(r.Before) != positionText(r.After) {
		before := "the beginning"
		if r.Before != nil {
			before = r.Before.Text
		}
		fmt.Fprintf(w, "  position %s: %s to %s\n", r.After.Field, before, r.After.Text)
	}
}

func (a *app) mark(r *runReport) (mark, word string) {
	ok, bad := "[OK]", "[FAIL]"
	if a.out.color {
		ok, bad = "\x1b[32m✓\x1b[0m", "\x1b[31m✗\x1b[0m"
	}
	switch {
	case r.Exit != exitOK && r.RunID == "":
		return bad, "did not start"
	case r.Exit != exitOK:
		return bad, strings.ReplaceAll(string(r.Status), "_", " ")
	case r.Status == runner.DryRun:
		return ok, "dry run passed"
	case r.Status == runner.NothingNew:
		return ok, "nothing new"
	}
	return ok, "loaded"
}

func (a *app) writeCounts(w io.Writer, r *runReport) {
	c := &r.Counts
	parts := []string{thousands(c.Read) + " read"}
	add := func(n int64, word string) {
		if n > 0 {
			parts = append(parts, thousands(n)+" "+word)
		}
	}
	add(c.Repeated, "repeated")
	add(c.Filtered, "filtered")
	add(c.Held, "held")
	add(c.Refused, "refused by the sink")
	if r.Status == runner.Loaded || r.Status == runner.NothingNew {
		parts = append(parts, fmt.Sprintf("%s written (%s new, %s changed, %s unchanged)",
			thousands(c.Inserted+c.Changed), thousands(c.Inserted), thousands(c.Changed), thousands(c.Unchanged)))
		taken := "deleted"
		if r.Missing == connectors.Close {
			taken = "closed"
		}
		add(c.Deleted, taken)
	} else {
		parts = append(parts, thousands(c.Written)+" would be written")
	}
	fmt.Fprintf(w, "  %s\n", strings.Join(parts, " · "))
}

// writeBalance shows the equation of the run stage by stage, and the money.
func (a *app) writeBalance(w io.Writer, r *runReport) {
	if len(r.Steps) == 0 {
		return
	}
	fmt.Fprintf(w, "  balance   %-12s %12s %12s %12s %12s\n", "", "in", "out", "held", "other")
	for _, s := range r.Steps {
		t := s.Tally
		other := t.Created - t.Merged - t.Dropped - t.Filtered
		fmt.Fprintf(w, "            %-12s %12s %12s %12s %12s\n", s.Step, thousands(t.In), thousands(t.Out), thousands(t.Held), signed(other))
	}
	for _, key := range slices.Sorted(maps.Keys(r.Sums)) {
		fmt.Fprintf(w, "  total     %-12s %s\n", key, amountText(r.Sums[key]))
	}
}

const shownHeld = 5

func (a *app) writeHeld(w io.Writer, r *runReport) {
	total := r.Counts.Held + r.Counts.Refused
	for i := range r.Held {
		if i == shownHeld {
			fmt.Fprintf(w, "  and %s more held\n", thousands(total-shownHeld))
			return
		}
		h := &r.Held[i]
		place := ""
		if h.Line > 0 {
			place = fmt.Sprintf(" (%s line %d)", h.Input, h.Line)
		}
		fmt.Fprintf(w, "  held %s%s\n", h.Key, place)
		for _, reason := range h.Reasons {
			fmt.Fprintf(w, "       %s: %s\n", reason.Code, reason.Message)
		}
	}
}

// writeNext ends the output with the one command to go on with.
func (a *app) writeNext(w io.Writer, reports []runReport) {
	for i := range reports {
		r := &reports[i]
		switch {
		case r.Exit != exitOK && r.RunID != "" && r.Status != runner.Interrupted:
			fmt.Fprintf(w, "Next: tieout runs show %s\n", r.RunID)
			return
		case r.Exit == exitOK && r.Status != runner.DryRun && r.Counts.Held+r.Counts.Refused > 0:
			fmt.Fprintf(w, "Next: tieout quarantine list %s\n", r.Pipeline)
			return
		case r.Exit == exitOK && r.Status == runner.DryRun:
			fmt.Fprintf(w, "Next: tieout run %s\n", r.Pipeline)
			return
		}
	}
	if len(reports) == 1 && reports[0].Exit == exitOK {
		fmt.Fprintf(w, "Next: tieout runs show %s\n", reports[0].RunID)
	}
}

// thousands writes a count for people.
func thousands(n int64) string { return amountText(strconv.FormatInt(n, 10)) }

func signed(n int64) string {
	if n > 0 {
		return "+" + thousands(n)
	}
	return thousands(n)
}

// amountText puts thousands separators into plain decimal text.
func amountText(text string) string {
	sign, digits := "", text
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, point := strings.Cut(digits, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, ch := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(ch)
	}
	if point {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String()
}
