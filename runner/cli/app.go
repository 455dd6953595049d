package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner/project"
)

// World is everything the command line may touch.
type World struct {
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) (string, bool)
	Now            func() time.Time
	NewID          func() string
	Version        string
	Registry       *connectors.Registry
}

// app is one invocation.
type app struct {
	World
	dir, environment string
	given            string // dir as it was given
	vars             []string
	outputs          []string
	quiet            bool
	allowUnprotected bool
	verbose          int
	noColor          bool
	progress         string
	logFormat        string
	out              *output
	exit             int
	farewell         atomic.Value // text said when a signal stops the command
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, w World) int {
	a := &app{World: w}
	a.farewell.Store("stopping: the load is undone and nothing moves; press again to stop now")
	ctx, stop := a.withSignals(ctx)
	defer stop()
	root := a.root()
	root.SetArgs(w.Args)
	root.SetIn(w.Stdin)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return a.exit
	}
	a.fail(cmd, err)
	exit := exitOf(err)
	if ctx.Err() != nil {
		exit = exitOf(context.Cause(ctx)) // a signal, whatever came of it
	}
	return worst(exit, a.exit)
}

// withSignals cancels the context on the first signal and ends the process
// on the second.
func (a *app) withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		got, ok := <-signals
		if !ok {
			return
		}
		cause, exit := context.Canceled, exitInterrupt
		if got != os.Interrupt {
			cause, exit = errTerminated, exitTerminate
		}
		if text := a.farewell.Load(); text != "" {
			fmt.Fprintln(a.Stderr, text)
		}
		cancel(cause)
		if _, ok := <-signals; ok {
			os.Exit(exit)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "tieout",
		Short:         "Move financial records between systems: exactly, once, with proof.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.begin(cmd)
		},
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.dir, "dir", "C", ".", "the project's folder")
	f.StringVar(&a.environment, "env", "", "environment of tieout.yaml")
	f.StringArrayVar(&a.vars, "var", nil, "a variable, as name=value; repeatable")
	f.StringArrayVarP(&a.outputs, "output", "o", nil, "text, json, ndjson, junit, sarif, github or markdown, with =FILE for a file; repeatable")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "only errors")
	f.CountVarP(&a.verbose, "verbose", "v", "more detail; repeatable")
	f.BoolVar(&a.noColor, "no-color", false, "no colour")
	f.StringVar(&a.progress, "progress", "auto", "auto, plain or none")
	f.StringVar(&a.logFormat, "log-format", "text", "text or json, for logs on stderr")
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(groups()...)
	root.AddCommand(a.commands()...)
	a.dressHelp(root)
	return root
}

// begin checks the flags every command has.
func (a *app) begin(cmd *cobra.Command) error {
	a.given = a.dir
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return usage(err, "name a folder with -C")
	}
	a.dir = dir
	a.out, err = newOutput(a, cmd)
	return err
}

// open loads the project.
func (a *app) open() (*project.Project, error) {
	vars, err := pairs(a.vars)
	if err != nil {
		return nil, err
	}
	return project.Open(project.Options{Dir: a.dir, Environment: a.environment, Vars: vars, Registry: a.Registry,
		Now: a.Now, NewID: a.NewID, Getenv: a.Getenv, Log: a.logger(), AllowUnprotected: a.allowUnprotected}), nil
}

func pairs(list []string) (map[string]string, error) {
	out := make(map[string]string, len(list))
	for _, item := range list {
		name, value, ok := cut(item)
		if !ok {
			return nil, usage(fmt.Errorf("--var %q is not name=value", item), "write --var month=2026-11")
		}
		out[name] = value
	}
	return out, nil
}

func cut(item string) (name, value string, ok bool) {
	for i := range item {
		if item[i] == '=' {
			return item[:i], item[i+1:], i > 0
		}
	}
	return "", "", false
}

func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.quiet:
		level = slog.LevelError
	case a.verbose == 1:
		level = slog.LevelInfo
	case a.verbose > 1:
		level = slog.LevelDebug
	}
	o := &slog.HandlerOptions{Level: level}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, o))
}

// notFound turns an unknown name into a usage error.
func notFound(err error) error {
	return usage(err, "see `tieout status` for the pipelines there are")
}

// errSilent ends a command whose findings are printed already.
var errSilent = errors.New("")
