package cli

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

// serving says which process runs what is due.
type serving struct {
	Running bool   `json:"running"` // for this project and environment
	Holder  string `json:"holder,omitempty"`
	// Other is what a process serves in place of this project and environment,
	// and which process.
	Other string `json:"other,omitempty"`
}

func servingOf(ctx context.Context, p *project.Project, keeper *state.Timekeeper) (serving, error) {
	w, err := keeper.Watching(ctx)
	switch {
	case err != nil || w.Holder == "":
		return serving{}, err
	case w.Running:
		return serving{Running: true, Holder: w.Holder}, nil
	}
	other := "environment " + w.Environment
	switch mine := p.Workspace.Project.Project.Value; {
	case w.Project != mine && w.Environment != "":
		other = "project " + w.Project + ", " + other
	case w.Project != mine:
		other = "project " + w.Project
	case w.Environment == "":
		other = "the project without --env"
	}
	return serving{Other: fmt.Sprintf("%s (%s)", other, w.Holder)}, nil
}

// elsewhere is the sentence about a process that serves something else.
func (s *serving) elsewhere() string {
	return fmt.Sprintf("tieout serve is running for %s; nothing starts by itself here.", s.Other)
}
