package pipelines_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// environment resolves ${env:…} from a map.
func environment(values map[string]string) document.ResolverFunc {
	return func(ref document.Reference) (string, bool, error) {
		v, ok := values[ref.Scheme+":"+ref.Name]
		switch {
		case ok:
			return v, false, nil
		case ref.HasDefault:
			return ref.Default, false, nil
		}
		return "", false, errors.New("is not set")
	}
}

const environments = project + `vars: { region: "${env:REGION:-north}", loop: "${var:loop}" }
secrets: { app: "${file:token}" }
environments:
  dev:
    connections:
      files: { path: /tmp/data }
      warehouse: { connector: sqlite, path: "dev-${var:region}.db" }
  bare:
    connections:
      app: { token: "${secret:app}" }
`

func TestConnection(t *testing.T) {
	o := pipelines.Options{Resolver: environment(map[string]string{"env:WAREHOUSE_URL": "postgres://x", "file:token": "hunter2"})}
	w := load(o, "tieout.yaml", environments)
	clean(t, w)
	c, err := w.Connection("warehouse", nil)
	if err != nil || c.Kind.Name != "postgres" || c.Settings.(*database).URL.Reveal() != "postgres://x" || len(c.Secrets) != 1 {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := w.Connection("app", nil); err == nil || !strings.Contains(err.Error(), "APP_TOKEN") {
		t.Errorf("a secret that is not set: %v", err)
	}
	if _, err := w.Connection("warehous", nil); err == nil || !strings.Contains(err.Error(), "did you mean warehouse?") {
		t.Error(err)
	}
	if got := w.ConnectionNames(); !slices.Equal(got, []string{"app", "books", "erp", "files", "warehouse"}) {
		t.Error(got)
	}

	o.Environment, o.Vars = "dev", map[string]string{"region": "south"}
	w = load(o, "tieout.yaml", environments, "p.yaml", rentRoll)
	clean(t, w)
	if c, err = w.Connection("warehouse", nil); err != nil || c.Kind.Name != "sqlite" || c.Settings.(*embedded).Path.Value != "dev-south.db" {
		t.Errorf("%+v %v", c, err)
	}
	if c, err = w.Connection("files", nil); err != nil || c.Settings.(*folder).Path.Value != "/tmp/data" || c.Connector.Value != "file" {
		t.Errorf("%+v %v", c, err)
	}
	if p := w.Pipelines[0]; p.Sink.At.Kind.Name != "sqlite" {
		t.Error("the pipeline was checked against another environment")
	}

	o.Environment = "bare"
	w = load(o, "tieout.yaml", environments)
	if c, err = w.Connection("app", nil); err != nil || c.Settings.(*service).Token.Reveal() != "hunter2" || c.Secrets[len(c.Secrets)-1].Reveal() != "hunter2" || c.Settings.(*service).BaseURL.Value != "https://app.example.com" {
		t.Errorf("%+v %v", c, err)
	}
	o.Environment = "prod"
	if w = load(o, "tieout.yaml", environments); !w.Report.Diagnostics().Has(document.CodeUnknownKey) {
		t.Error("an environment that is not there was passed over")
	}
}

// A required setting may come from the environment alone; without one it is
// missing.
func TestSettingsFromTheEnvironmentAlone(t *testing.T) {
	const text = "tieout: 1\nproject: a\nconnections:\n  db: { connector: postgres }\nenvironments:\n  prod: { connections: { db: { url: \"${env:DB}\" } } }\n"
	if w := load(pipelines.Options{Environment: "prod"}, "tieout.yaml", text); w.Report.Err() != nil {
		t.Error(w.Report.Err())
	}
	w := load(pipelines.Options{}, "tieout.yaml", text)
	if found := w.Report.Diagnostics(); len(found) != 1 || found[0].String() != `tieout.yaml:4:3 yaml.missing_key "db" needs the key "url"` {
		t.Error(found)
	}
}

func TestVars(t *testing.T) {
	text := strings.Replace(environments, `, loop: "${var:loop}"`, "", 1)
	o := pipelines.Options{Resolver: environment(map[string]string{"env:SLACK_WEBHOOK": "https://hook"})}
	w := load(o, "tieout.yaml", text)
	vars, err := w.Vars()
	if err != nil || vars["region"] != "north" {
		t.Error(vars, err)
	}
	if state, err := w.State(); err != nil || state != ".tieout/state.db" {
		t.Error(state, err)
	}
	alert, err := w.Alert("finance")
	if err != nil || alert.Slack.Reveal() != "https://hook" || alert.Webhook.Given() || alert.Remind.Std() != 24*time.Hour {
		t.Errorf("%+v %v", alert, err)
	}
	o.Vars = map[string]string{"regoin": "south"}
	if _, err := load(o, "tieout.yaml", text).Vars(); err == nil || !strings.Contains(err.Error(), "did you mean region?") {
		t.Error(err)
	}
	o.Vars = nil
	if _, err := load(o, "tieout.yaml", environments).Vars(); err == nil || !strings.Contains(err.Error(), "refers to itself") {
		t.Errorf("a var that refers to itself: %v", err)
	}
}

func TestEnv(t *testing.T) {
	const text = `pipeline: p
source: { connection: files, stream: a.csv, fields: { id: text, day: date } }
transforms:
  - set: { a: var.region, b: run.date, c: run.as_of }
sink: { connection: books, stream: a }
`
	w := load(pipelines.Options{}, "tieout.yaml", project+"vars: { region: north }\n", "p.yaml", text)
	clean(t, w)
	p := w.Pipelines[0]
	var r document.Report
	shape := record.MustShape(p.SourceShape().Fields...)
	// 03:30 in London on the 2nd is still the 1st in Chicago.
	values := pipelines.Values{AsOf: time.Date(2026, 7, 2, 3, 30, 0, 0, time.UTC), Vars: map[string]string{"region": "south"}}
	compiled := p.Compile(shape, p.Context(values, nil, &r))
	if compiled == nil {
		t.Fatal(r.Diagnostics())
	}
	var names []string
	for _, c := range p.Env(values).Names {
		names = append(names, c.Name+" "+c.Kind.String())
	}
	if got := strings.Join(names, ", "); got != "run.as_of timestamp, run.date date, var.region text" {
		t.Error(got)
	}
}
