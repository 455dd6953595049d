package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
)

type runFlags struct {
	project.RunOptions
	window string
	asOf   string
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PIPELINE...",
		Short: "Run pipelines once",
		Example: `  tieout run rent_roll
  tieout run pipelines/rent_roll.yaml --dry-run
  tieout run rent_roll --dry-run --given testdata/rent.json
  tieout run charges --from 2026-01-01 --to 2026-01-31`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("name a pipeline"), "see `tieout status` for the pipelines there are")
			}
			return nil
		},
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args, &f) },
	}
	flags := cmd.Flags()
	a.unprotectedFlag(flags)
	flags.BoolVar(&f.DryRun, "dry-run", false, "read, compute and judge everything; touch neither target nor state")
	flags.StringVar(&f.Given, "given", "", "a file whose records stand in for the source; with --dry-run")
	flags.BoolVar(&f.FullRefresh, "full-refresh", false, "read everything, whatever the position says")
	flags.StringVar(&f.From, "from", "", "first cursor value of a backfill; the position stays where it is")
	flags.StringVar(&f.To, "to", "", "last cursor value of a backfill")
	flags.StringVar(&f.window, "window", "", "divide a backfill into loads of this length, such as 31d, oldest first")
	flags.StringVar(&f.asOf, "as-of", "", "the instant or date the run takes for now")
	return cmd
}

// unprotectedFlag lets a command send documents away from this machine.
func (a *app) unprotectedFlag(flags *pflag.FlagSet) {
	flags.BoolVar(&a.allowUnprotected, "allow-unprotected-writes", false, "send documents to services on other machines without an approval of each")
}

// run runs the pipelines one after the other; the worst exit code counts.
func (a *app) run(ctx context.Context, names []string, f *runFlags) error {
	if err := a.checkRunFlags(f); err != nil {
		return err
	}
	p, err := a.open()
	if err != nil {
		return err
	}
	parts, err := windows(f.From, f.To, f.window)
	if err != nil {
		return err
	}
	var list []*pipelines.Pipeline
	for _, name := range names {
		found, err := p.Workspace.FindAll(name)
		if err != nil {
			return a.unknownPipeline(p, err)
		}
		list = append(list, found...)
	}
	var reports []runReport
	for _, pipeline := range list {
		reports = append(reports, a.runParts(ctx, p, pipeline, f, parts)...)
		if ctx.Err() != nil {
			break
		}
	}
	return a.reportRuns(reports)
}

// runParts runs a pipeline once for each part of a backfill, each a load of
// its own, and stops at the first that fails.
func (a *app) runParts(ctx context.Context, p *project.Project, pipeline *pipelines.Pipeline, f *runFlags, parts []window) []runReport {
	var reports []runReport
	for i, part := range parts {
		one := *f
		one.From, one.To = part.from, part.to
		r := a.runOne(ctx, p, pipeline, &one)
		reports = append(reports, r)
		if r.Exit != exitOK || ctx.Err() != nil {
			if i+1 < len(parts) {
				a.logger().Warn("the rest of the range was not run", "pipeline", pipeline.Name(), "go on with", "--from "+part.from)
			}
			break
		}
	}
	return reports
}

func (a *app) checkRunFlags(f *runFlags) error {
	if f.Given != "" && !f.DryRun {
		return usage(errors.New("--given stands in for the source, which only a dry run may do"), "add --dry-run")
	}
	if f.FullRefresh && (f.From != "" || f.To != "") {
		return usage(errors.New("--full-refresh and --from/--to exclude each other"), "leave one out")
	}
	if f.asOf == "" {
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, f.asOf); err == nil {
			f.AsOf = t
			return nil
		}
	}
	return usage(fmt.Errorf("--as-of %q is neither a date nor an instant", f.asOf), "write 2026-11-21 or 2026-11-21T06:15:00Z")
}

// unknownPipeline says what is wrong when a pipeline is not found: the files
// may have problems that hide it.
func (a *app) unknownPipeline(p *project.Project, err error) error {
	if p.Workspace.Project == nil {
		return p.Workspace.Report.Err()
	}
	if n := p.Workspace.Report.Errors(); n > 0 {
		return usage(err, fmt.Sprintf("see `tieout validate`: the files have %s, which may hide it", count(n, "error")))
	}
	return notFound(err)
}

// runReport is one pipeline of the result.
type runReport struct {
	runner.Run
	Exit    int        `json:"exit"`
	Failure *failure   `json:"failure,omitempty"`
	Held    []heldJSON `json:"held_sample,omitempty"`
}

type heldJSON struct {
	Key     string          `json:"key"`
	Stage   string          `json:"stage"`
	Input   string          `json:"input,omitempty"`
	Line    int64           `json:"line,omitempty"`
	Reasons []runner.Reason `json:"reasons"`
}

func (a *app) runOne(ctx context.Context, p *project.Project, pipeline *pipelines.Pipeline, f *runFlags) runReport {
	o := f.RunOptions
	stop := a.watch(&o, pipeline.Name())
	run, err := p.Run(ctx, pipeline, o)
	stop()
	run.Entries = nil // for retries, not for people
	r := runReport{Run: run}
	if r.Pipeline == "" {
		r.Pipeline = pipeline.Name()
	}
	if err == nil {
		err = run.Cause
	}
	if err != nil {
		r.Exit = exitOf(err)
		if cause := context.Cause(ctx); cause != nil && run.Status != runner.Loaded {
			r.Exit = exitOf(cause)
		}
		d := describe(err)
		r.Failure = &d
	}
	for i := range run.Sample {
		h := &run.Sample[i]
		r.Held = append(r.Held, heldJSON{Key: h.Key, Stage: h.Stage, Input: h.Input, Line: h.Line, Reasons: h.Reasons})
	}
	return r
}

// watch shows progress on stderr: a line that is drawn over on a terminal,
// a line every half minute when asked for, nothing otherwise.
func (a *app) watch(o *project.RunOptions, name string) (stop func()) {
	live := a.progress == "auto" && isTerminal(a.Stderr) && !a.quiet
	if !live && a.progress != "plain" {
		return func() {}
	}
	every := 30 * time.Second
	if live {
		every = 200 * time.Millisecond
	}
	last := a.Now()
	shown := false
	o.Progress = func(read, written int64) {
		now := a.Now()
		if now.Sub(last) < every {
			return
		}
		last, shown = now, true
		if live {
			fmt.Fprintf(a.Stderr, "\r%s  %s read, %s written\x1b[K", name, thousands(read), thousands(written))
			return
		}
		fmt.Fprintf(a.Stderr, "%s  %s read, %s written\n", name, thousands(read), thousands(written))
	}
	return func() {
		if live && shown {
			fmt.Fprint(a.Stderr, "\r\x1b[K")
		}
	}
}

// reportRuns writes the summary and sets the exit code.
func (a *app) reportRuns(reports []runReport) error {
	exit := exitOK
	runID := ""
	for i := range reports {
		exit = worst(exit, reports[i].Exit)
		if len(reports) == 1 {
			runID = reports[i].RunID
		}
	}
	a.exit = exit
	summary := struct {
		Pipelines int         `json:"pipelines"`
		Runs      []runReport `json:"runs"`
	}{len(reports), reports}
	return a.out.write(exit, runID, summary, func(w io.Writer) {
		for i := range reports {
			a.writeRun(w, &reports[i])
		}
		a.writeNext(w, reports)
	})
}
