package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine, the state store and every connection",
		Example: `  tieout doctor
  tieout doctor --env sandbox -o json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

// checkup is one line of the doctor's list.
type checkup struct {
	Check        string `json:"check"`
	OK           bool   `json:"ok"`
	Milliseconds int64  `json:"milliseconds"`
	Detail       string `json:"detail,omitempty"`
	Hint         string `json:"hint,omitempty"`

	exit int
}

// checkTime is how long one check may take.
const checkTime = 15 * time.Second

func (a *app) doctor(ctx context.Context) error {
	list := []checkup{
		a.check(ctx, "version", "", func(context.Context) (string, error) { return "tieout " + a.Version, nil }),
		a.check(ctx, "connectors", "", func(context.Context) (string, error) { return strings.Join(a.Registry.Names(), ", "), nil }),
		a.check(ctx, "time zone data", "install the system's time zone data (tzdata)", zoneData),
	}
	p, err := a.loaded()
	if err != nil {
		list = append(list, a.failed("project", err, "see `tieout validate`"))
		return a.writeDoctor(list)
	}
	list = append(list, a.checkProject(p), a.check(ctx, "disk", "make room, or move the project", func(context.Context) (string, error) { return a.disk(p) }),
		a.check(ctx, "state store", "check `state:` in tieout.yaml and who may write there", func(ctx context.Context) (string, error) { return a.stateWritable(ctx, p) }))
	for _, name := range p.Workspace.ConnectionNames() {
		list = append(list, a.check(ctx, "connection "+name, "check its settings in tieout.yaml, its secrets and the network", func(ctx context.Context) (string, error) {
			return "", p.CheckConnection(ctx, name)
		}))
	}
	return a.writeDoctor(list)
}

// check runs one check and takes its time.
func (a *app) check(ctx context.Context, name, hint string, fn func(context.Context) (string, error)) checkup {
	ctx, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	started := a.Now()
	detail, err := fn(ctx)
	c := checkup{Check: name, OK: true, Detail: detail}
	if err != nil {
		c = a.failed(name, err, hint)
	}
	c.Milliseconds = a.Now().Sub(started).Milliseconds()
	return c
}

func (a *app) failed(name string, err error, hint string) checkup {
	d := describe(err)
	c := checkup{Check: name, Detail: d.Message, Hint: hint, exit: exitEnvironment}
	if exitOf(err) == exitConfig {
		c.exit = exitConfig
	}
	if d.Hint != "" && (d.Code == "auth.secret_missing" || d.Code == "yaml.reference_missing") {
		c.Hint = d.Hint
	}
	return c
}

// checkProject counts what validate would report.
func (a *app) checkProject(p *project.Project) checkup {
	c := checkup{Check: "project", OK: true, Detail: p.Workspace.Project.Project.Value + ", " + count(len(p.Workspace.Pipelines), "pipeline")}
	if n := p.Workspace.Report.Errors(); n > 0 {
		c.OK, c.exit = false, exitConfig
		c.Detail, c.Hint = count(n, "error")+" in the files", "see `tieout validate`"
	}
	return c
}

func zoneData(context.Context) (string, error) {
	for _, name := range []string{"America/Chicago", "Europe/Berlin", "Asia/Kolkata"} {
		if _, err := time.LoadLocation(name); err != nil {
			return "", err
		}
	}
	return "", nil
}

// stateWritable opens the store, which makes or migrates it, and takes a lock.
func (a *app) stateWritable(ctx context.Context, p *project.Project) (string, error) {
	store, err := p.State(ctx)
	if err != nil {
		return "", err
	}
	defer store.Close()
	release, err := store.Lock(ctx, p.Workspace.Project.Project.Value, a.environment, "tieout doctor")
	if err != nil {
		return "", err
	}
	release()
	return "writable", nil
}

// leastFree is the room a run should find.
const leastFree = 256 << 20

// disk proves that files can be made, and that there is room.
func (a *app) disk(p *project.Project) (string, error) {
	dir := filepath.Join(p.StateDir(), "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "doctor-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString("doctor")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	free, known := freeBytes(dir)
	if !known {
		return "writable", nil
	}
	text := fmt.Sprintf("%s MiB free", thousands(int64(free>>20)))
	if free < leastFree {
		return "", fmt.Errorf("only %s in %s", text, dir)
	}
	return text, nil
}

// writeDoctor prints the list; a check that failed makes the exit code 3, or
// 2 when only the files are wrong.
func (a *app) writeDoctor(list []checkup) error {
	bad := 0
	for i := range list {
		if !list[i].OK {
			bad++
			a.exit = worst(a.exit, list[i].exit)
		}
	}
	result := map[string]any{"checks": list, "failed": bad}
	return a.out.write(a.exit, "", result, func(w io.Writer) {
		for _, c := range list {
			line := fmt.Sprintf("%s %-24s %5d ms  %s", a.tick(c.OK), c.Check, c.Milliseconds, indented(c.Detail))
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			if c.Hint != "" {
				fmt.Fprintf(w, "       hint: %s\n", indented(c.Hint))
			}
		}
		if bad > 0 {
			fmt.Fprintf(w, "%d of %d checks failed.\nNext: correct them, then tieout doctor\n", bad, len(list))
			return
		}
		fmt.Fprintf(w, "All %d checks passed.\nNext: tieout status\n", len(list))
	})
}

// tick marks what is well and what is not, with a word where there is no
// colour.
func (a *app) tick(ok bool) string {
	switch {
	case a.out.color && ok:
		return "\x1b[32m✓\x1b[0m"
	case a.out.color:
		return "\x1b[31m✗\x1b[0m"
	case ok:
		return "[OK]  "
	}
	return "[FAIL]"
}

// indented puts the further lines of a text below its first.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n       ") }
