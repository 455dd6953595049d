package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/schemas/document"
)

// connectFlags are the flags of `tieout connect`.
type connectFlags struct {
	port      int
	noBrowser bool
	timeout   string
	ddl       bool
	each      string
}

func (a *app) connectCommand() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "connect NAME",
		Short: "Give a connection the consent it needs, once, or prove that it works",
		Example: `  tieout connect quickbooks
  tieout connect quickbooks --no-browser     # open or paste addresses by hand
  tieout connect warehouse --ddl             # statements for who may create tables`,
		Args:              exactly("the connection's name"),
		ValidArgsFunction: a.completeConnections,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.connect(cmd.Context(), args[0], f) },
	}
	cmd.Flags().IntVar(&f.port, "port", 0, "port of this machine that the browser comes back to")
	cmd.Flags().BoolVar(&f.noBrowser, "no-browser", false, "open no browser")
	cmd.Flags().StringVar(&f.each, "each", "", "the row of for_each the consent is for, where each row has its own")
	cmd.Flags().StringVar(&f.timeout, "timeout", "5m", "how long the consent is waited for")
	cmd.Flags().BoolVar(&f.ddl, "ddl", false, "print the statements that make what a sink keeps its ledger in, and do nothing else")
	return cmd
}

func (a *app) connect(ctx context.Context, name string, f connectFlags) error {
	patience, err := document.ParseDuration(f.timeout)
	if err != nil || patience <= 0 {
		return usage(fmt.Errorf("--timeout %q is no duration", f.timeout), "write --timeout 5m")
	}
	if f.port < 0 || f.port > 65535 {
		return usage(fmt.Errorf("--port %d is no port", f.port), "write --port 8766")
	}
	p, err := a.loaded()
	if err != nil {
		return err
	}
	if _, err := connectionsNamed(p, []string{name}); err != nil {
		return err
	}
	if f.ddl {
		return a.printDDL(p, name)
	}
	consent, err := p.Consent(name, f.each, f.port)
	if err != nil {
		return err
	}
	if consent == nil {
		return a.connectPlain(ctx, p, name)
	}
	defer consent.Close()
	if err := consent.Ready(ctx); err != nil {
		return fmt.Errorf("connection %q: %w", name, err)
	}
	a.farewell.Store("stopping: nothing was kept")
	answer, err := a.askConsent(ctx, consent, name, f.noBrowser, patience.Std())
	if err != nil {
		return err
	}
	got, err := consent.Finish(ctx, answer)
	if err != nil {
		return err
	}
	return a.writeConsented(name, got)
}

func (a *app) printDDL(p *project.Project, name string) error {
	text, err := p.DDL(name)
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"connection": name, "ddl": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
}

// connectPlain proves a connection that needs no consent.
func (a *app) connectPlain(ctx context.Context, p *project.Project, name string) error {
	one := a.prove(ctx, p, name)
	if !one.OK {
		return &exitError{err: fmt.Errorf("connection %q: %s", name, one.Detail), exit: one.exit, code: one.Code, hint: one.Hint}
	}
	return a.out.write(exitOK, "", map[string]any{"connection": name, "consent": false}, func(w io.Writer) {
		fmt.Fprintf(w, "%s  works; it needs no consent\nNext: tieout check\n", name)
	})
}

// askConsent shows where to consent and waits for the answer, which comes to
// this machine or is pasted.
func (a *app) askConsent(ctx context.Context, c *auth.Consent, name string, noBrowser bool, patience time.Duration) (auth.Answer, error) {
	fmt.Fprintf(a.Stderr, "Open this address, sign in and consent for %s:\n\n  %s\n\n", name, c.URL())
	if c.Waits() {
		fmt.Fprintf(a.Stderr, "The answer comes to %s. Where the browser is on another machine, paste the address it ends at here.\n", c.Redirect())
	} else {
		fmt.Fprintf(a.Stderr, "The answer comes to %s. Paste the address the browser ends at, or the code it shows, here.\n", c.Redirect())
	}
	in, terminal := a.Stdin.(*os.File)
	if !noBrowser && terminal && term.IsTerminal(int(in.Fd())) && isTerminal(a.Stderr) {
		openBrowser(ctx, c.URL())
	}
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	answer, err := a.awaitAnswer(waiting, c)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w: nobody consented within %s", auth.ErrConsent, document.Duration(patience))
		return answer, &exitError{err: err, exit: exitEnvironment, code: string(document.CodeAuthConsent), hint: "run it again, with --timeout for more time"}
	}
	return answer, err
}

// arrival is an answer that came to this machine.
type arrival struct {
	answer auth.Answer
	err    error
}

func (a *app) awaitAnswer(ctx context.Context, c *auth.Consent) (auth.Answer, error) {
	ctx, stop := context.WithCancel(ctx)
	arrived := make(chan arrival, 1)
	if c.Waits() {
		go func() {
			answer, err := c.Wait(ctx, func() {
				fmt.Fprintln(a.Stderr, "An answer came that belongs to another consent; it is not used. Still waiting.")
			})
			arrived <- arrival{answer, err}
		}()
		defer func() { <-arrived }()
	}
	defer stop()
	lines, wrong := linesOf(a.Stdin), error(nil)
	for {
		select {
		case got := <-arrived:
			arrived <- got // for the deferred receive
			return got.answer, got.err
		case <-ctx.Done():
			return auth.Answer{}, ctx.Err()
		case line, more := <-lines:
			if !more {
				if lines = nil; wrong != nil || !c.Waits() {
					return auth.Answer{}, fmt.Errorf("%w: no answer to this consent was pasted: %w", connectors.ErrEnvironment, wrongOr(wrong))
				}
				continue
			}
			answer, err := c.Pasted(line)
			if !errors.Is(err, auth.ErrForeign) {
				return answer, err
			}
			wrong = err
			fmt.Fprintf(a.Stderr, "What was pasted is not used: %v. Paste the whole address that the browser ends at.\n", err)
		}
	}
}

func wrongOr(err error) error {
	if err == nil {
		return errors.New("the input ended")
	}
	return err
}

// linesOf gives the lines of the input that are not empty. The reader stays
// behind when nobody listens any more, as no read of a terminal can be given
// up; the command ends then.
func linesOf(in io.Reader) <-chan string {
	const most = 1 << 20
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, most)
		for s.Scan() {
			if s.Text() != "" {
				lines <- s.Text()
			}
		}
	}()
	return lines
}

// openBrowser tries; who sees no browser has the address.
func openBrowser(ctx context.Context, address string) {
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), opener, address)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}

func (a *app) writeConsented(name string, got auth.Consented) error {
	result := struct {
		Connection string `json:"connection"`
		Consent    bool   `json:"consent"`
		auth.Consented
	}{name, true, got}
	return a.out.write(exitOK, "", result, func(w io.Writer) {
		fmt.Fprintf(w, "%s  connected; its tokens are kept sealed\n", name)
		for _, also := range slices.Sorted(maps.Keys(got.Also)) {
			fmt.Fprintf(w, "  %s %s\n", also, got.Also[also])
		}
		if got.Scope != "" {
			fmt.Fprintf(w, "  scopes %s\n", got.Scope)
		}
		if got.Missing != "" {
			fmt.Fprintf(w, "  not given: %s\n", got.Missing)
		}
		switch {
		case got.Once:
			fmt.Fprintf(w, "  it cannot be renewed and ends at %s: the service gave no refresh token; many want a scope such as offline_access for one\n", when(got.Ends))
		case !got.Ends.IsZero():
			fmt.Fprintf(w, "  it ends at %s unless it is renewed before, which each use does\n", when(got.Ends))
		}
		fmt.Fprintf(w, "Next: tieout check %s\n", name)
	})
}
