package project

import (
	"context"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
)

// PreviewOptions say which records a preview looks at.
type PreviewOptions struct {
	Limit int
	Given string // a file whose records stand in for the source
}

// Preview takes the first records of a pipeline through its steps and rules.
func (p *Project) Preview(ctx context.Context, pipeline *pipelines.Pipeline, o PreviewOptions) (runner.Preview, error) {
	job, deps, err := p.previewJob(ctx, pipeline, o)
	if err != nil {
		return runner.Preview{}, err
	}
	return runner.ShowPreview(ctx, job, deps, o.Limit)
}

// Evaluate computes one expression over the first records of a pipeline.
func (p *Project) Evaluate(ctx context.Context, pipeline *pipelines.Pipeline, text string, o PreviewOptions) (runner.Evaluation, error) {
	job, deps, err := p.previewJob(ctx, pipeline, o)
	if err != nil {
		return runner.Evaluation{}, err
	}
	return runner.Evaluate(ctx, job, deps, text, o.Limit)
}

func (p *Project) previewJob(ctx context.Context, pipeline *pipelines.Pipeline, o PreviewOptions) (runner.Job, runner.Deps, error) {
	if err := p.Problems(pipeline); err != nil {
		return runner.Job{}, runner.Deps{}, err
	}
	job, err := p.job(ctx, pipeline, RunOptions{DryRun: true, Given: o.Given})
	return job, runner.Deps{Now: p.options.Now, Spill: newSpill(p.StateDir()), Log: p.options.Log}, err
}
