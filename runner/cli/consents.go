package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/tieout/tieout/runner/project"
)

// endingConsent is a consent that somebody should give again.
type endingConsent struct {
	Connection string `json:"connection"`
	Ends       string `json:"ends"`
}

// endingConsents lists the consents that end soon or have ended. Connections
// whose settings or kept tokens cannot be read here are left to `tieout
// check`.
func endingConsents(ctx context.Context, p *project.Project) []endingConsent {
	var list []endingConsent
	for _, name := range p.Workspace.ConnectionNames() {
		if kept, found, err := p.Kept(ctx, name); err == nil && found && kept.Soon {
			list = append(list, endingConsent{Connection: name, Ends: when(kept.Ends)})
		}
	}
	return list
}

func writeEnding(w io.Writer, list []endingConsent) {
	for _, one := range list {
		fmt.Fprintf(w, "%s  its consent ends at %s: tieout connect %s\n", one.Connection, one.Ends, one.Connection)
	}
}
