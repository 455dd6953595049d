package cli

import (
	"fmt"
	"io"

	"github.com/tieout/tieout/runner/schedule"
)

func (r *statusReport) write(w io.Writer) {
	timed := r.writeTable(w)
	for i := range r.Pipelines {
		writeStanding(w, &r.Pipelines[i])
	}
	for i := range r.Files {
		fmt.Fprintln(w, r.Files[i].text())
	}
	writeEnding(w, r.Consents)
	r.Alerts.write(w)
	switch {
	case r.Serving.Running:
		fmt.Fprintf(w, "tieout serve is running: %s\n", r.Serving.Holder)
	case r.Serving.Other != "":
		fmt.Fprintln(w, r.Serving.elsewhere())
	case timed:
		fmt.Fprintln(w, "No tieout serve is running: nothing starts by itself.")
	}
	fmt.Fprintf(w, "Next: %s\n", r.nextStep())
}

// writeTable writes a row for each pipeline and reports whether any has to do
// with the clock.
func (r *statusReport) writeTable(w io.Writer) (timed bool) {
	list := r.Pipelines
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no pipelines.")
		return false
	}
	head := []string{"pipeline", "last result", "at", ">written", ">held", "position"}
	for i := range list {
		timed = timed || list[i].timed()
	}
	if timed {
		head = append(head, "fresh", "next")
	}
	rows := make([][]string, len(list))
	for i := range list {
		rows[i] = list[i].row()
		if timed {
			rows[i] = append(rows[i], list[i].freshness(), list[i].nextText())
		}
	}
	table(w, head, rows)
	return timed
}

func (s *alertStatus) write(w io.Writer) {
	because := func(reason string) string {
		if reason == "" {
			return ""
		}
		return "; the newest error is of " + reason
	}
	if s.Waiting > 0 {
		fmt.Fprintf(w, "Alerts that wait to be delivered: %d%s\n", s.Waiting, because(s.waitingError))
	}
	if s.GivenUp > 0 {
		fmt.Fprintf(w, "Alerts given up in the last %d days: %d%s\n", givenUpDays, s.GivenUp, because(s.givenUpError))
	}
}

// timed reports whether a pipeline has anything to do with the clock.
func (s *pipelineStatus) timed() bool {
	return s.Schedule != "" || s.FreshWithin != "" || s.Paused != nil || len(s.Open) > 0
}

func (s *pipelineStatus) row() []string {
	result, at := string(s.Result), s.At
	if s.Result == "" {
		result, at = "never ran", "-"
	}
	position := "-"
	if s.Position != nil && s.Position.Field != "" {
		position = positionText(s.Position)
	}
	return []string{s.Pipeline, result, at, thousands(s.Written), thousands(s.Held), position}
}

func (s *pipelineStatus) freshness() string {
	switch {
	case s.FreshWithin == "":
		return "-"
	case s.Late:
		return "late"
	case s.LastSuccess == "":
		return "no success yet"
	}
	return "fresh"
}

func (s *pipelineStatus) nextText() string {
	switch {
	case s.Paused != nil:
		return "paused"
	case s.Next == nil:
		return "-"
	}
	layout := "Mon 2006-01-02 15:04"
	if s.Next.at.Second() != 0 {
		layout += ":05"
	}
	return s.Next.at.Format(layout + " MST")
}

// writeStanding says what the row of a pipeline has no room for.
func writeStanding(w io.Writer, s *pipelineStatus) {
	if s.Schedule != "" {
		fmt.Fprintf(w, "%s  runs %s\n", s.Pipeline, s.Schedule)
	}
	if s.mistakes > 0 {
		fmt.Fprintf(w, "%s  %s\n", s.Pipeline, mistakesText(s.mistakes, s.File))
	}
	if s.Ahead != "" {
		fmt.Fprintf(w, "%s  %s\n", s.Pipeline, s.Ahead)
	}
	if s.Slot != "" {
		fmt.Fprintf(w, "%s  slot %s %s without a run: %s\n", s.Pipeline, s.Slot, s.Result, s.Error)
	}
	if s.Paused != nil {
		fmt.Fprintf(w, "%s  is %s\n", s.Pipeline, pausedText(s.Paused))
	}
	if s.Late {
		last := "it never succeeded"
		if s.LastSuccess != "" {
			last = "its last success ended " + s.LastSuccess
		}
		fmt.Fprintf(w, "%s  is late since %s: %s, and fresh_within is %s\n", s.Pipeline, s.LateSince, last, s.FreshWithin)
	}
	for i := range s.Open {
		if i == shownOpen {
			fmt.Fprintf(w, "%s  has %s more\n", s.Pipeline, count(len(s.Open)-i, "open slot"))
			break
		}
		fmt.Fprintf(w, "%s  %s\n", s.Pipeline, openText(&s.Open[i]))
	}
}

// shownOpen is how many open slots of a pipeline are shown.
const shownOpen = 3

func openText(s *schedule.Slot) string {
	if s.Status == schedule.Running {
		return fmt.Sprintf("slot %s is running since %s, attempt %d, run %s", s.Local, when(s.StartedAt), s.Attempts, s.RunID)
	}
	text := fmt.Sprintf("slot %s is due", s.Local)
	if s.NotBefore.After(s.Nominal) {
		text += ", not before " + when(s.NotBefore)
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// nextStep is the command for the first pipeline that needs one.
func (r *statusReport) nextStep() string {
	for i := range r.Pipelines {
		if step := r.Pipelines[i].nextStep(&r.Serving); step != "" {
			return step
		}
	}
	switch {
	case len(r.Files) > 0:
		return "tieout validate " + r.Files[0].File
	case len(r.Pipelines) == 0:
		return "tieout init"
	case r.Serving.Running:
		return "tieout next"
	}
	return "tieout run " + r.Pipelines[0].Pipeline
}

// nextStep is the command this pipeline needs, or "". What a running process
// does by itself nobody is told to do.
func (s *pipelineStatus) nextStep(who *serving) string {
	slots := "tieout runs slots --pipeline " + s.Pipeline
	waits := s.Paused == nil && (s.Late || len(s.Open) > 0)
	switch {
	case s.mistakes > 0:
		return "tieout validate " + s.File
	case s.Held > 0:
		return "tieout quarantine list " + s.Pipeline
	case s.Error != "" && s.RunID != "":
		return "tieout runs show " + s.RunID
	case s.Slot != "", s.Late && who.Running:
		return slots
	case waits && !who.Running && who.Other == "":
		return "tieout serve"
	case s.Late && s.Paused == nil && who.Other != "":
		return "tieout run " + s.Pipeline
	}
	return ""
}
