package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) nextCommand() *cobra.Command {
	var number int
	var after string
	cmd := &cobra.Command{
		Use:   "next [PIPELINE...]",
		Short: "Say when pipelines are due, in words; starts nothing",
		Example: `  tieout next
  tieout next rent_roll --count 12
  tieout next rent_roll --after 2027-03-13 -o json`,
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			if number < 1 || number > mostNext {
				return usage(fmt.Errorf("--count %d is not between 1 and %d", number, mostNext), "write --count 5")
			}
			return a.next(cmd.Context(), args, number, after)
		},
	}
	cmd.Flags().IntVar(&number, "count", 5, "how many times of each pipeline")
	cmd.Flags().StringVar(&after, "after", "", "the first instant or date to look at, itself included; now when not given")
	return cmd
}

const mostNext = 1000

// nextPipeline says when one pipeline is due.
type nextPipeline struct {
	scheduled
	Problems int             `json:"problems"`
	Paused   *schedule.Pause `json:"paused,omitempty"`
	Times    []nextTime      `json:"times"`

	file     string
	mistakes int // errors of the file alone
}

// nextTime is one time a pipeline is due.
type nextTime struct {
	UTC   string `json:"utc"`
	Local string `json:"local"`
	Note  string `json:"note,omitempty"` // what a change of clocks does to it

	at time.Time // in the pipeline's zone
}

// scheduled is a pipeline's schedule in words.
type scheduled struct {
	Pipeline string   `json:"pipeline"`
	Rule     string   `json:"rule,omitempty"`
	Zone     string   `json:"zone,omitempty"`
	After    []string `json:"after,omitempty"` // pipelines it follows, or waits for
	Files    string   `json:"files,omitempty"` // files it waits for
	Jitter   string   `json:"jitter,omitempty"`
}

func scheduleOf(p *pipelines.Pipeline) scheduled {
	s := scheduled{Pipeline: p.Name(), After: p.After()}
	if p.Schedule == nil {
		return s
	}
	if t := p.Timetable(); t != nil {
		s.Rule, s.Zone = t.String(), zoneOf(p).String()
	}
	if p.Schedule.On != nil {
		s.Files = p.Schedule.On.Files.Value
	}
	if p.Schedule.Jitter > 0 {
		s.Jitter = p.Schedule.Jitter.String()
	}
	return s
}

// waits says what a pipeline waits for that is no time, or "".
func (s *scheduled) waits() string {
	switch {
	case s.Rule != "" && len(s.After) > 0:
		return "and waits then for a success of " + strings.Join(s.After, ", ")
	case len(s.After) > 0:
		return "after a success of " + strings.Join(s.After, ", ")
	case s.Files != "":
		return "when files arrive: " + s.Files
	}
	return ""
}

// words is the whole schedule, "" when there is none.
func (s *scheduled) words() string { return strings.TrimSpace(s.Rule + " " + s.waits()) }

func zoneOf(p *pipelines.Pipeline) *time.Location {
	if p.Zone() == nil {
		return time.UTC
	}
	return p.Zone()
}

func (a *app) next(ctx context.Context, names []string, number int, after string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list, err := a.chosen(p, names)
	if err != nil {
		return err
	}
	pauses := a.pausesIfAny(ctx, p)
	out := []nextPipeline{}
	for _, pipeline := range list {
		if pipeline.Schedule == nil && len(names) == 0 {
			continue
		}
		from, err := a.after(after, zoneOf(pipeline))
		if err != nil {
			return err
		}
		problems := p.Workspace.Problems(pipeline)
		n := nextPipeline{scheduled: scheduleOf(pipeline), Problems: problems.Errors(), Times: timesOf(pipeline, from, number),
			file: pipeline.File, mistakes: errorsIn(problems, pipeline.File)}
		if pause, paused := pauses[n.Pipeline]; paused {
			n.Paused = &pause
		}
		out = append(out, n)
	}
	if len(names) == 0 {
		for _, f := range brokenFiles(p) {
			fmt.Fprintf(a.Stderr, "tieout: %s\n", f.text())
		}
	}
	now := a.Now()
	return a.out.write(exitOK, "", map[string]any{"pipelines": out}, func(w io.Writer) { writeNext(w, out, now) })
}

// chosen finds the pipelines that were named, or all.
func (a *app) chosen(p *project.Project, names []string) ([]*pipelines.Pipeline, error) {
	if len(names) == 0 {
		return p.Workspace.Pipelines, nil
	}
	var list []*pipelines.Pipeline
	for _, name := range names {
		found, err := p.Workspace.Find(name)
		if err != nil {
			return nil, a.unknownPipeline(p, err)
		}
		list = append(list, found)
	}
	return list, nil
}

// after reads --after: an instant, or a date in the pipeline's zone. The
// instant itself, or the first moment of the date, counts too.
func (a *app) after(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return a.Now(), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.Add(-time.Nanosecond), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t.Add(-time.Nanosecond), nil
	}
	return time.Time{}, usage(fmt.Errorf("--after %q is neither a date nor an instant", text), "write 2026-11-21 or 2026-11-21T06:15:00Z")
}

// pausesIfAny reads what is paused. The times are known without it, so a
// store that cannot be read is only said.
func (a *app) pausesIfAny(ctx context.Context, p *project.Project) map[string]schedule.Pause {
	var pauses map[string]schedule.Pause
	err := a.looking(ctx, p, func(store *state.Store) (err error) {
		pauses, err = a.keeper(p, store).Pauses(ctx)
		return err
	})
	if err != nil {
		fmt.Fprintf(a.Stderr, "tieout: what is paused is not known: %v\n", err)
	}
	return pauses
}

func timesOf(p *pipelines.Pipeline, after time.Time, number int) []nextTime {
	times := []nextTime{}
	table := p.Timetable()
	if table == nil {
		return times
	}
	for range number {
		at, ok := table.Next(after)
		if !ok {
			break
		}
		local := at.In(zoneOf(p))
		asked, once := table.Asked(at)
		times = append(times, nextTime{UTC: at.Format(time.RFC3339), Local: local.Format(schedule.LocalLayout), Note: clockNote(local, asked, once), at: local})
		after = at
	}
	return times
}

// clockNote says what a change of clocks does to a time: asked is the local
// time of the rule, when each local time counts once.
func clockNote(local, asked time.Time, once bool) string {
	const hour = "15:04"
	start, end := local.ZoneBounds()
	if once && asked.Format(time.DateTime) != local.Format(time.DateTime) {
		from, to, lost := asked.Add(-gapBefore(asked, local)).Format(hour), local.Format(hour), asked.Format(hour)
		if asked.YearDay() != local.YearDay() { // a whole day was left out
			return fmt.Sprintf("there is no %s: the day does not exist", asked.Format(time.DateOnly+" "+hour))
		}
		return fmt.Sprintf("there is no %s that day: the clock goes from %s to %s", lost, from, to)
	}
	_, offset := local.Zone()
	if !end.IsZero() {
		_, later := end.Zone()
		if back := time.Duration(offset-later) * time.Second; back > 0 && !local.Add(back).Before(end) {
			if once {
				return "the clock shows this time twice: the first counts"
			}
			return "the clock shows this time twice: the first"
		}
	}
	if !start.IsZero() && !once {
		_, earlier := start.Add(-time.Second).Zone()
		if back := time.Duration(earlier-offset) * time.Second; back > 0 && local.Add(-back).Before(start) {
			return "the clock shows this time twice: the second"
		}
	}
	return ""
}

// gapBefore is how far into the hours that the clock leaves out a local time
// lies.
func gapBefore(asked, local time.Time) time.Duration {
	before := local.Add(-time.Second)
	wall := time.Date(before.Year(), before.Month(), before.Day(), before.Hour(), before.Minute(), before.Second()+1, 0, time.UTC)
	return asked.Sub(wall)
}

func writeNext(w io.Writer, list []nextPipeline, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No pipeline has a schedule.")
		fmt.Fprintln(w, "Next: write schedule: { cron: \"15 6 * * 1-5\" } in a pipeline, then tieout next")
		return
	}
	for i := range list {
		n := &list[i]
		words := n.words()
		if words == "" {
			words = "no schedule; runs with tieout run or tieout trigger"
		}
		fmt.Fprintf(w, "%s  %s\n", n.Pipeline, words)
		if n.mistakes > 0 {
			fmt.Fprintf(w, "  %s\n", mistakesText(n.mistakes, n.file))
		}
		if n.Paused != nil {
			fmt.Fprintf(w, "  %s; these are skipped\n", pausedText(n.Paused))
		}
		if n.Jitter != "" && n.Rule != "" {
			fmt.Fprintf(w, "  each starts up to %s later\n", n.Jitter)
		}
		if n.Rule != "" && len(n.Times) == 0 {
			fmt.Fprintln(w, "  no time comes before the year 10000")
		}
		writeTimes(w, n.Times, now)
	}
	fmt.Fprintln(w, "Next: tieout status")
}

func writeTimes(w io.Writer, times []nextTime, now time.Time) {
	var rows [][]string
	width := 0
	for _, t := range times {
		row := []string{localText(t.at), awayText(t.at.Sub(now)), t.Note}
		width = max(width, len(row[0]))
		rows = append(rows, row)
	}
	for _, row := range rows {
		line := fmt.Sprintf("  %-*s  %s", width, row[0], row[1])
		if row[2] != "" {
			line += "  (" + row[2] + ")"
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// localText is a local time for people: Mon 2026-11-23 06:15 America/Chicago
// (CST, UTC-06:00).
func localText(t time.Time) string {
	layout := "Mon 2006-01-02 15:04"
	if t.Second() != 0 {
		layout += ":05"
	}
	zone := t.Location().String()
	if zone == "UTC" {
		return t.Format(layout) + " UTC"
	}
	name, _ := t.Zone()
	offset := "UTC" + t.Format("-07:00")
	if strings.ContainsAny(name, "+-") { // a zone whose times have no name
		return fmt.Sprintf("%s %s (%s)", t.Format(layout), zone, offset)
	}
	return fmt.Sprintf("%s %s (%s, %s)", t.Format(layout), zone, name, offset)
}

// farAway is from where on a count of days says nothing to anybody. It is far
// below the lengths that a duration cannot hold.
const farAway = 100 * 366 * 24 * time.Hour

// awayText says how far away something is: in 1 d 16 h, 5 min ago. It is ""
// for what is centuries away.
func awayText(d time.Duration) string {
	switch {
	case d > farAway || d < -farAway:
		return ""
	case d < 0:
		return spanText(-d) + " ago"
	}
	return "in " + spanText(d)
}

// spanText is a length of time in its two largest units.
func spanText(d time.Duration) string {
	units := []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.length && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.length, u.name)
		if i < len(units)-1 {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return ""
}
