package cli

import (
	"fmt"
	"io"

	"github.com/tieout/tieout/runner/schedule"
)

func writeStatus(w io.Writer, list []pipelineStatus, who serving) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no pipelines.")
		fmt.Fprintln(w, "Next: tieout init")
		return
	}
	head := []string{"pipeline", "last result", "at", ">written", ">held", "position"}
	timed := false
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
	for i := range list {
		writeStanding(w, &list[i])
	}
	if who.Running {
		fmt.Fprintf(w, "tieout serve is running: %s\n", who.Holder)
	} else if timed {
		fmt.Fprintln(w, "No tieout serve is running: nothing starts by itself.")
	}
	fmt.Fprintf(w, "Next: %s\n", nextStep(list, who))
}

// timed reports whether a pipeline has anything to do with the clock.
func (s *pipelineStatus) timed() bool {
	return s.Schedule != "" || s.FreshWithin != "" || s.Paused != nil || len(s.Open) > 0
}

func (s *pipelineStatus) row() []string {
	result, at := string(s.Result), s.At
	switch {
	case s.Problems > 0:
		result = count(s.Problems, "error")
	case s.Result == "":
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
func nextStep(list []pipelineStatus, who serving) string {
	for i := range list {
		s := &list[i]
		switch {
		case s.Problems > 0:
			return "tieout validate " + s.File
		case s.Held > 0:
			return "tieout quarantine list " + s.Pipeline
		case s.Error != "":
			return "tieout runs show " + s.RunID
		case s.Paused == nil && !who.Running && (s.Late || len(s.Open) > 0):
			return "tieout serve"
		}
	}
	return "tieout run " + list[0].Pipeline
}
