package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"golang.org/x/term"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/project"
)

// confirm asks before something is lost. Off a terminal it needs --yes.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, ok := a.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !isTerminal(a.Stderr) {
		return usage(fmt.Errorf("%s? There is no terminal to ask on", question), "add --yes")
	}
	fmt.Fprintf(a.Stderr, "%s? [y/N] ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && answer == "" {
		return usage(errors.New("no answer"), "add --yes")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return usage(errors.New("nothing was changed"), "")
}

// actor is who does this, for the record.
func (a *app) actor() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v, _ := a.Getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// loaded opens the project and insists that there is one.
func (a *app) loaded() (*project.Project, error) {
	p, err := a.open()
	if err != nil {
		return nil, err
	}
	if p.Workspace.Project == nil {
		return nil, p.Workspace.Report.Err()
	}
	return p, nil
}

// pipeline opens the project and finds one pipeline, which may have mistakes.
func (a *app) pipeline(name string) (*project.Project, *pipelines.Pipeline, error) {
	p, err := a.loaded()
	if err != nil {
		return nil, nil, err
	}
	found, err := p.Workspace.Find(name)
	if err != nil {
		return nil, nil, a.unknownPipeline(p, err)
	}
	return p, found, nil
}

// sound is pipeline for one without mistakes.
func (a *app) sound(name string) (*project.Project, *pipelines.Pipeline, error) {
	p, found, err := a.pipeline(name)
	if err != nil {
		return nil, nil, err
	}
	return p, found, p.Problems(found)
}
