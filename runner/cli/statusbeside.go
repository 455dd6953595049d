package cli

import (
	"context"
	"time"

	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
)

// statusReport is what `tieout status` finds.
type statusReport struct {
	Pipelines []pipelineStatus `json:"pipelines"`
	Files     []brokenFile     `json:"files"` // that no pipeline can be read from
	Alerts    alertStatus      `json:"alerts"`
	Serving   serving          `json:"serving"`
	Consents  []endingConsent  `json:"consents,omitempty"` // that end soon
}

// brokenFile is a file with mistakes that hide what it is.
type brokenFile struct {
	File   string `json:"file"`
	Errors int    `json:"errors"`
}

// brokenFiles lists the files with errors that hold no pipeline that could be
// shown, tieout.yaml among them.
func brokenFiles(p *project.Project) []brokenFile {
	shown := make(map[string]bool)
	for _, one := range p.Workspace.Pipelines {
		shown[one.File] = true
	}
	files := []brokenFile{}
	for _, d := range p.Workspace.Report.Diagnostics() { // sorted by file
		if d.Severity != document.Error || shown[d.File] {
			continue
		}
		if n := len(files); n == 0 || files[n-1].File != d.File {
			files = append(files, brokenFile{File: d.File})
		}
		files[len(files)-1].Errors++
	}
	return files
}

// errorsIn counts the errors of one file.
func errorsIn(found document.Diagnostics, file string) int {
	n := 0
	for _, d := range found {
		if d.File == file && d.Severity == document.Error {
			n++
		}
	}
	return n
}

func (f *brokenFile) text() string {
	return f.File + " has " + count(f.Errors, "error") + ": tieout validate " + f.File
}

// mistakesText says what the mistakes of a pipeline's file mean.
func mistakesText(n int, file string) string {
	return "has " + count(n, "error") + " in " + file + ": tieout validate " + file + "; a tieout serve that runs goes on with its last good version"
}

// openIncident is a trouble that was not resolved yet.
type openIncident struct {
	Kind  alert.Kind `json:"kind"`
	Since string     `json:"since"`
}

func openIncidents(ctx context.Context, keeper *state.Timekeeper) (map[string][]openIncident, error) {
	list, err := keeper.OpenIncidents(ctx)
	byPipeline := make(map[string][]openIncident)
	for _, i := range list {
		byPipeline[i.Pipeline] = append(byPipeline[i.Pipeline], openIncident{Kind: i.Kind, Since: when(i.Since)})
	}
	return byPipeline, err
}

// alertStatus is what alerts have not reached anybody.
type alertStatus struct {
	Waiting   int    `json:"waiting"`
	GivenUp   int    `json:"given_up"` // in the last days
	LastError string `json:"last_error,omitempty"`

	waitingError, givenUpError string
}

// givenUpDays is how long alerts that were given up are told of.
const givenUpDays = 7

func (a *app) alertStatus(ctx context.Context, keeper *state.Timekeeper) (alertStatus, error) {
	u, err := keeper.Undelivered(ctx, a.Now().Add(-givenUpDays*24*time.Hour))
	s := alertStatus{Waiting: u.Waiting, GivenUp: u.GivenUp, waitingError: letterError(u.LastWaiting), givenUpError: letterError(u.LastGivenUp)}
	if s.LastError = s.givenUpError; s.LastError == "" {
		s.LastError = s.waitingError
	}
	return s, err
}

// letterError is what keeps a letter from its target, "" for nothing.
func letterError(l alert.Letter) string {
	if l.Error == "" {
		return ""
	}
	return l.Target + ": " + short(l.Error, 200)
}
