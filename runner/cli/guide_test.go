package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/runner/schedule"
)

// What the guides say is run: every YAML block is validated, every command
// must exist with its flags, outputs of `tieout next` are compared, and the
// table of clock changes is computed again.

// fence is a fenced block of a page.
type fence struct {
	page, kind, text string
	line             int
}

func (f *fence) at() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/guides/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	if len(list) < 5 {
		t.Fatalf("only %v were found", list)
	}
	return list
}

func fencesOf(t *testing.T, page string) (blocks []fence, text string) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return fences(page, string(raw)), string(raw)
}

func fences(page, text string) (blocks []fence) {
	var open *fence
	for i, line := range strings.Split(text, "\n") {
		kind, is := strings.CutPrefix(line, "```")
		switch {
		case is && open == nil:
			open = &fence{page: page, kind: kind, line: i + 1}
		case is:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return blocks
}

// The project that blocks are completed with.
const (
	guideProject = `tieout: 1
project: p
timezone: America/Chicago
connections:
  files: { connector: file, path: ./data }
  warehouse: { connector: sqlite, path: warehouse.db }
`
	guideAlerts = "alerts:\n  finance: { slack: \"${env:SLACK_WEBHOOK}\" }\n"
	guideSource = "source: { connection: files, stream: a.csv, fields: { id: text, rent: decimal } }\nsink: { connection: warehouse, stream: NAME, key: [id] }\n"
)

// variants are the documents of a block: it may list the same key several
// times, each a way to write it.
func variants(text string) []string {
	key, _, _ := strings.Cut(text, ":")
	var out []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if len(out) == 0 || strings.HasPrefix(line, key+":") {
			out = append(out, "")
		}
		out[len(out)-1] += line
	}
	return out
}

// complete makes a project of a document or of a part of one.
func complete(text string) map[string]string {
	files := map[string]string{"tieout.yaml": guideProject + guideAlerts, "mappings/holidays.csv": "date\n2026-12-25\n",
		"mappings/companies.csv": "code,title\nacme,Acme Ltd\nbeta,\n"}
	for _, name := range []string{"load_tenants", "load_units"} {
		files[name+".yaml"] = "pipeline: " + name + "\n" + strings.ReplaceAll(guideSource, "NAME", name)
	}
	switch key, _, _ := strings.Cut(text, ":"); key {
	case "tieout":
		files["tieout.yaml"] = text
	case "pipeline", "schema":
		files["block.yaml"] = text
	case "alerts":
		files["tieout.yaml"] = guideProject + text
	case "serve":
		files["tieout.yaml"] = guideProject + guideAlerts + text
	default:
		files["block.yaml"] = "pipeline: block\n" + text + strings.ReplaceAll(guideSource, "NAME", "block")
	}
	return files
}

func writeProject(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// guideRun runs a command on the guides' day.
func guideRun(args ...string) (exit int, stdout, stderr string) {
	var out, errs bytes.Buffer
	exit = Main(context.Background(), World{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) (string, bool) { return "", false }, Now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		NewID: func() string { return "" }, Version: "test", Registry: builtin.Registry()})
	return exit, out.String(), errs.String()
}

// findings are errors and warnings of a project.
func findings(t *testing.T, files map[string]string) string {
	t.Helper()
	exit, stdout, stderr := guideRun("-C", writeProject(t, files), "validate")
	if exit == 0 && !strings.Contains(stdout+stderr, "warning") {
		return ""
	}
	return stdout + stderr
}

func TestGuideBlocks(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		blocks, _ := fencesOf(t, page)
		for _, b := range blocks {
			if b.kind != "yaml" || strings.HasSuffix(page, "services.md") { // TestGuideServices runs those as one project
				continue
			}
			for _, text := range variants(b.text) {
				checked++
				if found := findings(t, complete(text)); found != "" {
					t.Errorf("%s:\n%s\n%s", b.at(), text, found)
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d blocks were checked", checked)
	}
	for _, bad := range []string{"schedule: { monthly: 31, at: \"06:00\" }\n", "serve: { drian: 1m }\n", "schedule: { after: nobody }\n", "tieout: 2\n", "alerts: { a: { remind: 1h } }\n"} {
		if findings(t, complete(bad)) == "" {
			t.Errorf("this is taken: %s", bad)
		}
	}
}

// spoken are the commands that a page names: in blocks whole, in the text as
// far as they go.
func spoken(page, text string) (whole, named []fence) {
	line := func(at int) int { return 1 + strings.Count(text[:at], "\n") }
	for _, b := range fences(page, text) {
		for i, l := range strings.Split(b.text, "\n") {
			if _, exec, is := strings.Cut(l, "ExecStart="); is {
				l = exec[strings.LastIndex(exec[:strings.Index(exec+" ", " ")], "/")+1:]
			} else if b.kind != "sh" {
				continue
			}
			for part := range strings.SplitSeq(l, " && ") {
				if part, is := strings.CutPrefix(part, "tieout "); is {
					whole = append(whole, fence{page: page, line: b.line + i + 1, text: part})
				}
			}
		}
	}
	for _, m := range regexp.MustCompile("`tieout ([^`]+)`").FindAllStringSubmatchIndex(text, -1) {
		named = append(named, fence{page: page, line: line(m[0]), text: text[m[2]:m[3]]})
	}
	return whole, named
}

// known says what is wrong with a command line, or "".
func known(line string, whole bool) string {
	args, err := words(line)
	if err != nil {
		return err.Error()
	}
	root := (&app{}).root()
	root.InitDefaultHelpCmd() // as Execute does
	cmd, rest, err := root.Find(args)
	switch {
	case err != nil:
		return err.Error()
	case cmd == root || !cmd.Runnable():
		return "there is no such command"
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	rest = cmd.Flags().Args()
	if cmd.HasSubCommands() && len(rest) > 0 {
		return fmt.Sprintf("%s has no command %q", cmd.CommandPath(), rest[0])
	}
	if !whole {
		return ""
	}
	if err := cmd.ValidateArgs(rest); err != nil {
		return err.Error()
	}
	return ""
}

// words splits a command line at blanks, outside of quotes and before #.
func words(line string) ([]string, error) {
	line, _, _ = strings.Cut(line, " # ")
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	if strings.Count(line, `"`)%2 == 1 {
		return nil, fmt.Errorf("a quote is open")
	}
	return out, nil
}

func TestGuideCommands(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		_, text := fencesOf(t, page)
		whole, named := spoken(page, text)
		checked += len(whole) + len(named)
		for _, c := range whole {
			if wrong := known(c.text, true); wrong != "" {
				t.Errorf("%s: tieout %s: %s", c.at(), c.text, wrong)
			}
		}
		for _, c := range named {
			if wrong := known(c.text, false); wrong != "" {
				t.Errorf("%s: tieout %s: %s", c.at(), c.text, wrong)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d commands were found", checked)
	}
	for _, bad := range []string{"sreve", "serve --drain 5s", "runs slot", "pause", "serve rent_roll", "runs show", "next --count x", `trigger a --note "b`} {
		if known(bad, true) == "" {
			t.Errorf("this is taken: tieout %s", bad)
		}
	}
}

// What the guide shows for `tieout next` is what it prints for its project.
func TestGuideOutputs(t *testing.T) {
	const page = "../../docs/guides/scheduling.md"
	blocks, _ := fencesOf(t, page)
	files := map[string]string{}
	for _, b := range blocks {
		key, rest, _ := strings.Cut(b.text, ": ")
		switch {
		case b.kind == "yaml" && key == "tieout":
			files["tieout.yaml"] = b.text
		case b.kind == "yaml" && key == "pipeline":
			name, _, _ := strings.Cut(rest, "\n")
			files[name+".yaml"] = b.text
		}
	}
	dir, compared := writeProject(t, files), 0
	for i := 1; i < len(blocks); i++ {
		command, is := strings.CutPrefix(blocks[i-1].text, "tieout next ")
		if blocks[i].kind != "text" || !is {
			continue
		}
		compared++
		exit, stdout, stderr := guideRun(append([]string{"-C", dir, "next"}, strings.Fields(command)...)...)
		if stdout != blocks[i].text || exit != 0 {
			t.Errorf("%s: it prints %d\n%s%s", blocks[i].at(), exit, stdout, stderr)
		}
	}
	if compared == 0 {
		t.Error("no output was compared")
	}
}

// The table of clock changes holds.
func TestGuideClockChanges(t *testing.T) {
	_, text := fencesOf(t, "../../docs/guides/scheduling.md")
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\w+/\\w+) \\| (20\\d\\d-\\d\\d-\\d\\d) \\| (.+?) \\|$").FindAllStringSubmatch(text, -1)
	if len(rows) < 10 {
		t.Fatalf("only %d rows were found", len(rows))
	}
	for _, row := range rows {
		zone, err := time.LoadLocation(row[2])
		if err != nil {
			t.Fatal(err)
		}
		table, err := timetable.New(timetable.Rule{Cron: row[1], Zone: zone})
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.ParseInLocation(time.DateOnly, row[3], zone)
		if err != nil {
			t.Fatal(err)
		}
		var times []string
		for _, at := range table.Between(day.Add(-1), day.AddDate(0, 0, 1).Add(-1), 1000) {
			times = append(times, at.In(zone).Format("15:04-07:00"))
		}
		got := strings.Join(times, ", ")
		switch {
		case len(times) == 0:
			got = "never"
		case len(times) > 4:
			got = fmt.Sprintf("%d times", len(times))
		}
		if got != row[4] {
			t.Errorf("%s in %s on %s runs at %s, not %s", row[1], row[2], row[3], got, row[4])
		}
	}
}

// The guide names every metric and no other, every status and origin of a
// slot, and every kind of alert.
func TestGuideIsComplete(t *testing.T) {
	_, text := fencesOf(t, "../../docs/guides/scheduling.md")
	source, err := os.ReadFile("../serve/meters.go")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, m := range regexp.MustCompile(`Name: "(tieout_\w+)"`).FindAllStringSubmatch(string(source), -1) {
		have = append(have, m[1])
		if !strings.Contains(text, "| `"+m[1]+"` |") {
			t.Errorf("the guide has no row for the metric %s", m[1])
		}
	}
	if len(have) == 0 {
		t.Error("no metric was found")
	}
	for _, m := range regexp.MustCompile(`\btieout_\w+`).FindAllString(text, -1) {
		if !slices.Contains(have, m) {
			t.Errorf("there is no metric %s", m)
		}
	}
	words := append(slotStatuses(), "resolved", "late")
	for _, origin := range []schedule.Origin{schedule.ByTime, schedule.ByTrigger, schedule.ByAfter, schedule.ByFiles} {
		words = append(words, string(origin))
	}
	for _, word := range words {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("the guide does not explain `%s`", word)
		}
	}
}

// Links of the pages lead to files, and to headings of their own page.
func TestGuideLinks(t *testing.T) {
	for _, page := range append(pages(t), "../../ARCHITECTURE.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md") {
		_, text := fencesOf(t, page)
		var headings []string
		for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
			kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
			headings = append(headings, strings.ReplaceAll(kept, " ", "-"))
		}
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			file, heading, inside := strings.Cut(m[1], "#")
			switch {
			case strings.Contains(m[1], "://"):
			case file == "" && inside && !slices.Contains(headings, heading):
				t.Errorf("%s: there is no heading #%s", page, heading)
			case file != "":
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), file)); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			}
		}
	}
}

// The functions and files that ARCHITECTURE.md and the walk name are there.
func TestPagesNameWhatExists(t *testing.T) {
	defined := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^(?:func (?:\(\w* ?\*?\w+(?:\[\w+\])?\) )?|type |\t)(\w+)[\[( ]`).FindAllStringSubmatch(string(text), -1) {
			defined[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range []string{"../../ARCHITECTURE.md", "../../docs/walk.md"} {
		_, text := fencesOf(t, page)
		for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
			name := strings.NewReplacer("(*", "", ")", "").Replace(m[1])
			parts := strings.Split(name, ".")
			last := parts[len(parts)-1]
			switch {
			case strings.Contains(name, "/") && !strings.ContainsAny(name, " :*"):
				checked++
				if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
					t.Errorf("%s: there is no %s", page, name)
				}
			case len(parts) > 1 && regexp.MustCompile(`^[\w.]+$`).MatchString(name) && last != "go" && last != "date" && last != "as_of" && last != "yaml":
				checked++
				if !defined[last] {
					t.Errorf("%s: there is no %s", page, m[1])
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d names were checked", checked)
	}
}
