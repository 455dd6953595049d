package service

import (
	"context"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Job is an export a service makes in its own time: it is begun, asked for
// until it is done, and then read with the stream's request.
type Job struct {
	Start   Request           `yaml:"start" required:"true" doc:"The request that begins it." example:"{path: /exports, body: {kind: invoices}}"`
	ID      RecordPath        `yaml:"id" required:"true" doc:"Path to its name in the reply; expressions read it as job.id." example:"export.id"`
	Poll    Request           `yaml:"poll" required:"true" doc:"The request that tells how it stands." example:"{path: \"/exports/{job.id}\"}"`
	Done    Formula           `yaml:"done" required:"true" doc:"True once it is done." example:"=reply.body.status == \"ready\""`
	Failed  Formula           `yaml:"failed" doc:"True when it will not be done." example:"=reply.body.status == \"failed\""`
	Message Formula           `yaml:"message" doc:"Expression that takes out of the reply why it failed." example:"=reply.body.reason"`
	URL     RecordPath        `yaml:"url" doc:"Path to the address of the result in that reply, which must be one of origins; it takes the place of the stream's path and query." example:"download_url"`
	Every   document.Duration `yaml:"every" default:"5s" doc:"How long to wait before it is asked for again."`
	Within  document.Duration `yaml:"within" default:"1h" doc:"How long it may take."`
}

// jobKeys is Job without a way of its own to be decoded.
type jobKeys Job

// DecodeDocument reads the keys and checks the times.
func (j *Job) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*jobKeys)(j))
	for _, key := range []string{"every", "within"} {
		value := map[string]document.Duration{"every": j.Every, "within": j.Within}[key]
		if at := n.Get(key); at != nil && (value < document.Duration(time.Millisecond) || value > document.Duration(24*time.Hour)) {
			d.Report.ErrorAt(at, document.CodeWrongType, "", "%s is a time of up to a day", key)
		}
	}
}

// DocumentSchema is that of the keys.
func (j *Job) DocumentSchema(sub func(any) any) any { return sub(jobKeys{}) }

// DocumentType says what is written.
func (j *Job) DocumentType() string {
	return "a mapping of `start`, `id`, `poll`, `done`, `failed`, `message`, `url`, `every` and `within`"
}

// each visits the expressions of a job.
func (j *Job) each(visit func(*formula)) {
	j.Start.each(visit)
	j.Poll.each(visit)
	for _, x := range []*Formula{&j.Done, &j.Failed, &j.Message} {
		visit(&x.formula)
	}
}

// export begins the job of the place stood on and waits for its end.
func (f *fetcher) export(ctx context.Context) error {
	j := f.stream.Job
	if j == nil {
		return nil
	}
	a, err := f.exchange(ctx, &j.Start)
	if err != nil {
		return fmt.Errorf("begin the job: %w", err)
	}
	id := a.text(&j.ID)
	if id == "" {
		return fmt.Errorf("%w: begin the job: the reply has no %q", errUnlike, j.ID.Value)
	}
	f.world.change("job", "id").setText(id)
	from := f.caller.tools.now()
	for {
		over, err := f.poll(ctx, j)
		if over || err != nil {
			return err
		}
		if waited := f.caller.tools.now().Sub(from); waited+j.Every.Std() > j.Within.Std() {
			return fmt.Errorf("%w: the job %q was not done within %v; raise within, or run it again later", connectors.ErrEnvironment, f.caller.judge.clean(id), j.Within)
		}
		if err := f.caller.tools.sleep(ctx, j.Every.Std()); err != nil {
			return err
		}
	}
}

// poll asks once how the job stands.
func (f *fetcher) poll(ctx context.Context, j *Job) (over bool, err error) {
	a, err := f.exchange(ctx, &j.Poll)
	if err != nil {
		return false, fmt.Errorf("ask for the job: %w", err)
	}
	f.world.change("reply", "status").setNum(record.Integer, int64(a.status))
	for _, x := range []*Formula{&j.Done, &j.Failed, &j.Message} {
		for _, path := range x.paths {
			if err := f.world.see(path, a.header, a.body, 1); err != nil {
				return false, err
			}
		}
	}
	if j.Failed.set() {
		failed, err := f.world.holds(&j.Failed.formula)
		if err != nil {
			return false, err
		}
		if failed {
			return false, f.jobFailed(j)
		}
	}
	if over, err = f.world.holds(&j.Done.formula); !over || err != nil {
		return false, err
	}
	if j.URL.Value == "" {
		return true, nil
	}
	where := a.text(&j.URL)
	if where == "" {
		return false, fmt.Errorf("%w: the job is done and its reply has no address at %q", errUnlike, j.URL.Value)
	}
	f.at = a.at
	return true, f.follow(where)
}

func (f *fetcher) jobFailed(j *Job) error {
	text := "the service says that the job failed"
	if j.Message.set() {
		if a, err := f.world.eval(&j.Message.formula); err == nil && a.has {
			text += fmt.Sprintf(": %q", f.caller.judge.clean(a.text))
		}
	}
	return fmt.Errorf("%w: %s", errReply, text)
}
