package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/serve"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
)

// The exit codes, as `tieout help exit-codes` lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitConfig      = 2
	exitEnvironment = 3
	exitGate        = 4
	exitChanges     = 5
	exitStale       = 6
	exitInterrupt   = 130
	exitTerminate   = 143
)

// worstFirst is the order in which the exit code of several pipelines is
// chosen.
var worstFirst = [...]int{exitTerminate, exitInterrupt, exitEnvironment, exitFailed, exitConfig, exitStale, exitGate, exitChanges, exitOK}

// worst returns the worse of two exit codes.
func worst(a, b int) int {
	if slices.Index(worstFirst[:], a) <= slices.Index(worstFirst[:], b) {
		return a
	}
	return b
}

// exitError is an error that knows its exit code and next step.
type exitError struct {
	err  error
	exit int
	code string
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage is a mistake on the command line.
func usage(err error, hint string) error {
	return &exitError{err: err, exit: exitConfig, code: string(document.CodeRunUsage), hint: hint}
}

// exitOf chooses the exit code of an error.
func exitOf(err error) int {
	var known *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		return known.exit
	case errors.Is(err, runner.ErrBlocked), errors.Is(err, connectors.ErrTooManyRefused):
		return exitGate
	case project.IsEnvironment(err), errors.Is(err, serve.ErrLost), errors.Is(err, schedule.ErrClock):
		return exitEnvironment
	case project.IsConfig(err):
		return exitConfig
	case errors.Is(err, errTerminated):
		return exitTerminate
	case errors.Is(err, context.Canceled):
		return exitInterrupt
	}
	return exitFailed
}

// errTerminated is the cause of a context that SIGTERM ended.
var errTerminated = errors.New("terminated")

// codeOf is the code of an error that brings none.
func codeOf(err error) string {
	for _, known := range []struct {
		err  error
		code document.Code
	}{
		{state.ErrServing, document.CodeStateServing}, {serve.ErrLost, document.CodeStateServing}, {schedule.ErrClock, document.CodeStateClock},
		{state.ErrLocked, document.CodeStateLocked}, {state.ErrCorrupt, document.CodeStateCorrupt}, {state.ErrNewer, document.CodeStateNewer},
		{state.ErrMissing, document.CodeStateMissing}, {project.ErrNoRetry, document.CodeRunUsage},
		{state.ErrUnreachable, document.CodeNetUnreachable}, {state.ErrLogin, document.CodeAuthRefused},
	} {
		if errors.Is(err, known.err) {
			return string(known.code)
		}
	}
	return runner.Code(err)
}

// hintFor is the next step after an error that does not bring its own.
func hintFor(err error) string {
	var wrong *runner.RangeError
	switch {
	case errors.As(err, &wrong):
		return wrong.Next
	case errors.Is(err, runner.ErrBlocked) && errors.Is(err, connectors.ErrCommitUnknown):
		return "`tieout runs show` has what was refused and why; when that is mended, run again: what was not sent is sent, and nothing twice"
	case errors.Is(err, runner.ErrBlocked):
		return "nothing was loaded; `tieout runs show` has the conditions and the records"
	case errors.Is(err, connectors.ErrFenced):
		return "another run of the pipeline took over; run again when it has ended"
	case errors.Is(err, state.ErrServing), errors.Is(err, serve.ErrLost):
		return "one process runs all schedules of a SQLite state, and one those of an environment in PostgreSQL; end that one first if this one is to do it"
	case errors.Is(err, state.ErrLocked):
		return "wait for the other run to end, then run again"
	case codeOf(err) == string(document.CodeSinkUnsettled):
		return "`tieout outbox list` has the documents; a service that can be asked is asked by the next run, and else you say what became of them with `tieout outbox resolve`"
	case errors.Is(err, connectors.ErrCommitUnknown):
		return "run again: the next run looks in the sink first whether the load was committed"
	case errors.Is(err, runner.ErrBalance):
		return "nothing was loaded; this is a fault of the program or of a connector, please report it"
	case auth.Final(err), codeOf(err) == string(document.CodeAuthVault):
		return "nothing was read or written; `tieout help error " + codeOf(err) + "` has more"
	case codeOf(err) == string(document.CodeAuthRefused):
		return "correct the credentials of the connection, prove them with `tieout check`, then run again; nothing was loaded"
	case codeOf(err) == string(document.CodeNetReply), errors.Is(err, connectors.ErrData):
		return "nothing was loaded; `tieout help error " + codeOf(err) + "` has more"
	case codeOf(err) == string(document.CodeRunNoRoom):
		return "make room where the message says, then run again; nothing was loaded"
	case project.IsEnvironment(err):
		return "check the system and the connection's settings with `tieout doctor`, then run again; nothing was loaded"
	}
	return ""
}
