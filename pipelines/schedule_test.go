package pipelines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
)

// named is the smallest pipeline of a name, with further keys.
func named(name, keys string) string {
	return strings.Replace(rentRoll, "pipeline: rent_roll\n", "pipeline: "+name+"\n"+keys, 1)
}

func TestTimetable(t *testing.T) {
	for _, c := range []struct{ keys, words, next string }{ // after 2026-12-23T00:00:00Z
		{"schedule: { cron: \"15 6 * * 1-5\", jitter: 5m }\n", "at 06:15 on Monday to Friday, America/Chicago", "2026-12-23T12:15:00Z"},
		{"timezone: Europe/London\nschedule: { cron: \"15 6 * * 5\", holidays: ./mappings/holidays.csv }\n", "at 06:15 on Friday, Europe/London", "2027-01-08T06:15:00Z"},
		{"schedule: { every: 15m }\n", "every 15 minutes", "2026-12-23T00:15:00Z"},
		{"schedule: { every: 2d, after: other, catch_up: all, catch_up_max: 1000 }\n", "every 2 days", "2026-12-25T00:00:00Z"},
		{"schedule: { monthly: last, at: \"18:00\" }\n", "at 18:00 on the last day of the month, America/Chicago", "2027-01-01T00:00:00Z"},
		{"schedule: { monthly: 26, at: [18:00, 06:00], roll: preceding, holidays: mappings\\holidays.csv }\n", "at 06:00 and 18:00 on day 26 of the month or the business day before, America/Chicago", "2026-12-24T12:00:00Z"},
		{"schedule: { business_day: 3, at: 07:00 }\n", "at 07:00 on business day 3, America/Chicago", "2027-01-05T13:00:00Z"},
		{"schedule: { business_day: -1, at: 07:00 }\n", "at 07:00 on the last business day of the month, America/Chicago", "2026-12-31T13:00:00Z"},
		{"schedule: { business_day: every, at: 07:00, holidays: dates.txt }\n", "at 07:00 on every business day, America/Chicago", "2026-12-24T13:00:00Z"},
	} {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", named("p", c.keys), "other.yaml", named("other", ""),
			"mappings/holidays.csv", "\ufeffname,Date\r\n\"Christmas, observed\", 2026-12-25 \r\nNew Year,2027-01-01\r\n",
			"dates.txt", "# closed\n\n  2026-12-23\n 2026-12-25\n")
		clean(t, w)
		p, err := w.Find("p")
		if err != nil || p.Timetable() == nil {
			t.Fatalf("%s has no timetable: %v", c.keys, err)
		}
		at, ok := p.Timetable().Next(time.Date(2026, 12, 23, 0, 0, 0, 0, time.UTC))
		if !ok || at.Format(time.RFC3339) != c.next || p.Timetable().String() != c.words {
			t.Errorf("%s%s at %s\nwant %s at %s", c.keys, p.Timetable(), at.Format(time.RFC3339), c.words, c.next)
		}
	}
}

// Whatever stands in a file of holidays, it is read or refused.
func FuzzHolidays(f *testing.F) {
	for _, s := range []string{"2026-12-25\n", "date,name\n2026-12-25,a\n", "", "date\n", "a;b\n", "\ufeff# x\n\n 2026-12-25", "name,date\n\"a\nb\",2026-12-25\nshort\n", "\"", "2026-12-25,x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", named("p", "schedule: { business_day: 1, at: 06:00, holidays: days.csv }\n"), "days.csv", text)
		switch made := w.Pipelines[0].Timetable() != nil; {
		case made != (w.Report.Err() == nil):
			t.Errorf("%q: a timetable %v with %v", text, made, w.Report.Diagnostics())
		case !made && !strings.Contains(w.Report.Err().Error(), "days.csv"):
			t.Errorf("%q: %v", text, w.Report.Err())
		}
	})
}

// Without a rule of time, or with a wrong one, there is no timetable.
func TestNoTimetable(t *testing.T) {
	for keys, good := range map[string]bool{
		"":                                           true,
		"schedule: { after: other }\n":               true,
		"schedule:\n  on:\n    files: inbox\n":       true,
		"schedule: { cron: \"61 * * * *\" }\n":       false,
		"schedule: { every: soon }\n":                false,
		"schedule: { every: }\n":                     false,
		"schedule: { monthly: , at: 18:00 }\n":       false,
		"schedule: { monthly: 01, at: 18:00 }\n":     false,
		"schedule: { business_day: 0, at: 18:00 }\n": false,
		"schedule: { cron: [] }\n":                   false,
		"schedule: daily\n":                          false,
		"retry: 5\n":                                 false,
	} {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", named("p", keys), "other.yaml", named("other", ""))
		p, err := w.Find("p")
		if err != nil || p.Timetable() != nil || (w.Report.Err() == nil) != good {
			t.Errorf("%q: %v %v", keys, p.Timetable(), w.Report.Diagnostics())
		}
		if found := w.Report.Diagnostics(); !good && len(found) > 2 {
			t.Errorf("%q: one mistake, reported as %v", keys, found)
		}
	}
}

func TestDefaultsOfUnattendedRuns(t *testing.T) {
	for keys, want := range map[string]string{
		"":                         "3 30s 10m0s",
		"retry: { attempts: 1 }\n": "1 30s 10m0s",
		"retry: { backoff: 1h }\n": "3 1h0m0s 1h0m0s",
		"retry: { backoff: 5s, attempts: 20, max_backoff: 1m }\n": "20 5s 1m0s",
	} {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", named("p", keys))
		clean(t, w)
		attempts, backoff, most := w.Pipelines[0].Retries()
		if got := fmt.Sprint(attempts, " ", backoff, " ", most); got != want {
			t.Errorf("%q: %s, want %s", keys, got, want)
		}
	}
	w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", named("p", "schedule: { on: { files: \"in/*.csv\" } }\ntimeout: 2h\nfresh_within: 26h\n"))
	clean(t, w)
	p, serve := w.Pipelines[0], w.Project.Serve
	if on := p.Schedule.On; on.Files.Value != "in/*.csv" || on.Settle.Std() != 10*time.Second || on.Poll.Std() != 5*time.Second || p.After() != nil {
		t.Errorf("%+v", on)
	}
	if p.Timeout.Std() != 2*time.Hour || p.FreshWithin.Std() != 26*time.Hour || p.Schedule.CatchUp != "last" || p.Schedule.CatchUpMax != 100 || p.Schedule.Overlap != "skip" {
		t.Errorf("%+v", p)
	}
	if serve.Concurrency != 4 || serve.Listen.Value != "127.0.0.1:8484" || serve.Drain.Std() != time.Minute || serve.History.Std() != 400*24*time.Hour {
		t.Errorf("%+v", serve)
	}
}

func TestServe(t *testing.T) {
	for listen, good := range map[string]bool{"off": true, ":8484": true, "[::1]:0": true, "tieout.example.com:80": true, "0.0.0.0:65535": true, "8484": false, "localhost": false, "::1:80": false, "a:65536": false, "http://a:80": false, "a:-1": false, "": false} {
		w := load(pipelines.Options{}, "tieout.yaml", project+"serve: { listen: \""+listen+"\", concurrency: 8, drain: 0s }\n")
		if (w.Report.Err() == nil) != good {
			t.Errorf("%q: %v", listen, w.Report.Diagnostics())
		}
	}
}

func TestConcurrencyOfConnections(t *testing.T) {
	text := strings.Replace(project, "path: ./data }", "path: ./data, concurrency: 2 }", 1) + "environments: { dev: { connections: { files: { concurrency: 5 } } } }\n"
	for environment, want := range map[string]int{"": 2, "dev": 5} {
		w := load(pipelines.Options{Environment: environment}, "tieout.yaml", text, "p.yaml", rentRoll)
		clean(t, w)
		if p := w.Pipelines[0]; p.Source.At.Concurrency != want || p.Sink.At.Concurrency != 0 {
			t.Errorf("%s: %d %d", environment, p.Source.At.Concurrency, p.Sink.At.Concurrency)
		}
	}
}

// Circles are found across files, wherever one enters them, and each pipeline
// of one is told.
func TestCircles(t *testing.T) {
	after := func(name, after string) string { return named(name, "schedule: { after: "+after+" }\n") }
	w := load(pipelines.Options{}, "tieout.yaml", project,
		"a.yaml", after("a", "[z, b]"), "b.yaml", after("b", "c"), "c.yaml", after("c", "[z, a]"), "d.yaml", after("d", "a"),
		"x.yaml", after("x", "[y]"), "y.yaml", after("y", "[x]"), "z.yaml", named("z", ""))
	var got []string
	for _, d := range w.Report.Diagnostics() {
		got = append(got, d.String())
	}
	want := []string{
		"a.yaml:3:24 yaml.cycle the pipelines wait for one another: a → b → c → a",
		"b.yaml:3:20 yaml.cycle the pipelines wait for one another: b → c → a → b",
		"c.yaml:3:24 yaml.cycle the pipelines wait for one another: c → a → b → c",
		"x.yaml:3:21 yaml.cycle the pipelines wait for one another: x → y → x",
		"y.yaml:3:21 yaml.cycle the pipelines wait for one another: y → x → y",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// A diamond is no circle, and a chain as long as a project may be is followed.
func TestLongChains(t *testing.T) {
	files := []string{"tieout.yaml", project}
	const n = 2000
	for i := range n {
		keys := ""
		if i > 1 {
			keys = fmt.Sprintf("schedule: { after: [p%d, p%d] }\n", i-1, i-2)
		}
		files = append(files, fmt.Sprintf("p%d.yaml", i), named(fmt.Sprintf("p%d", i), keys))
	}
	clean(t, load(pipelines.Options{}, files...))
	files[3] = named("p0", fmt.Sprintf("schedule: { after: p%d }\n", n-1))
	w := load(pipelines.Options{}, files...)
	found := w.Report.Diagnostics()
	if !found.Has(document.CodeCycle) {
		t.Fatal("no circle was found")
	}
	for _, d := range found {
		if len(d.Message) > 400 {
			t.Fatalf("a message of %d bytes", len(d.Message))
		}
	}
}

func TestAlertTargets(t *testing.T) {
	o := pipelines.Options{Resolver: environment(map[string]string{"env:CHAT": "https://chat", "env:HOOK": "https://hook"})}
	w := load(o, "tieout.yaml", strings.Replace(project, "slack: \"${env:SLACK_WEBHOOK}\"", "google_chat: \"${env:CHAT}\", webhook: \"${env:HOOK}\", remind: 4h", 1))
	clean(t, w)
	a, err := w.Alert("finance")
	if err != nil || a.GoogleChat.Reveal() != "https://chat" || a.Webhook.Reveal() != "https://hook" || a.Slack.Given() || a.Remind.Std() != 4*time.Hour {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := w.Alert("finanse"); err == nil || !strings.Contains(err.Error(), "did you mean finance?") {
		t.Error(err)
	}
	w = load(o, "tieout.yaml", project)
	if _, err := w.Alert("finance"); err == nil || !strings.Contains(err.Error(), "SLACK_WEBHOOK") {
		t.Errorf("a secret that is not set: %v", err)
	}
}
