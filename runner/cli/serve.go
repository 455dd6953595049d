package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/serve"
)

func (a *app) serveCommand() *cobra.Command {
	var o serve.Options
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run pipelines by their schedules until stopped",
		Long: `Run pipelines by their schedules until stopped.

Each slot of a schedule runs once, or is written down with the reason why not:
see them with ` + "`tieout runs slots`" + `. Files of the project are taken over when they
change; a mistake in one is logged and its last good version goes on.

The first SIGTERM or Ctrl-C lets the runs under way finish for serve.drain of
tieout.yaml, the second stops at once. /metrics, /healthz and /readyz answer at
serve.listen.`,
		Example: `  tieout serve
  tieout -C books serve --listen 127.0.0.1:9000 --log-format json
  tieout serve --listen off --concurrency 2`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	a.unprotectedFlag(f)
	f.StringVar(&o.Listen, "listen", "", "address of /metrics, /healthz and /readyz, or off; replaces serve.listen")
	f.IntVar(&o.Concurrency, "concurrency", 0, "how many runs at once; replaces serve.concurrency")
	f.BoolVar(&o.AcceptClock, "accept-clock", false, "believe the clock although it is more than a year from the last sign of life")
	return cmd
}

func (a *app) serve(ctx context.Context, o serve.Options) error {
	if o.Concurrency < 0 {
		return usage(fmt.Errorf("--concurrency %d is less than 1", o.Concurrency), "write --concurrency 4")
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil && o.Listen != "" && o.Listen != "off" {
		return usage(fmt.Errorf("--listen %q is neither host:port nor off", o.Listen), "write --listen 127.0.0.1:8484")
	}
	vars, err := pairs(a.vars)
	if err != nil {
		return err
	}
	o.Log = a.serveLogger()
	o.Open = func() *project.Project {
		return project.Open(project.Options{Dir: a.dir, Environment: a.environment, Vars: vars, Registry: a.Registry,
			Now: a.Now, NewID: a.NewID, Getenv: a.Getenv, Log: o.Log, AllowUnprotected: a.allowUnprotected})
	}
	o.Dir, o.Environment, o.Clock, o.Version = a.dir, a.environment, clockwork.NewRealClock(), a.Version
	o.NewID = a.NewID
	o.Announce = func(address string) {
		if address == "" {
			o.Log.Info("serving", "endpoints", "off")
			return
		}
		o.Log.Info("serving", "endpoints", "http://"+address)
	}
	a.farewell.Store("") // the log says so
	if err := serve.Run(ctx, o); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		a.exit = exitOf(cause)
	}
	return nil
}

// serveLogger tells what happens, not only what is wrong: nobody sits before a
// process that serves.
func (a *app) serveLogger() *slog.Logger {
	if a.verbose == 0 && !a.quiet {
		a.verbose = 1
	}
	return a.logger()
}
