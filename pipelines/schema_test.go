package pipelines_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tieout/tieout/pipelines"
)

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	all, err := pipelines.Schemas(connectors())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(all[name]))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestPipelineSchema(t *testing.T) {
	s := compile(t, "pipeline.schema.json")
	const head = `{"pipeline": "rent", "source": {"connection": "files", "stream": "rent.csv", "csv": {"delimiter": ";"},
		"fields": {"id": "text", "due": {"type": "date", "pattern": "DD/MM/YYYY"}, "qty": {"type": "decimal", "column": ["Qty", "Takeoff"], "optional": true}}},`
	const tail = `"sink": {"connection": "books", "stream": "rent", "key": ["id"], "mode": "upsert", "ledger": "etl"}}`
	good := []string{
		head + tail,
		head + `"transforms": [{"set": {"a": "id"}}, {"filter": "a != nil"}, {"select": ["id"]}],` + tail,
		head + `"rules": [{"name": "a", "expect": "id != nil", "otherwise": "warn"}],` + tail,
		head + `"gate": [{"unique": ["id"]}, {"not_null": "id", "otherwise": "warn"}, {"records": {"min": 1}}, {"quarantined": {"max": "1%", "allow": 5}}],` + tail,
		head + `"schedule": {"cron": "15 6 * * 1-5"}, "money": {"amounts": ["qty"], "currency": "USD"},` + tail,
		head + `"schedule": {"monthly": 15, "at": ["06:00", "18:00"], "roll": "following", "after": "other", "catch_up": "all", "catch_up_max": 5},` + tail,
		head + `"schedule": {"business_day": "last", "at": "06:00"}, "retry": {"attempts": 5}, "timeout": "2h", "fresh_within": "26h",` + tail,
		head + `"schedule": {"on": {"files": "inbox/*.csv", "settle": "30s"}},` + tail,
	}
	for _, text := range good {
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	bad := []string{
		head[:len(head)-1] + "}",
		head + `"sinks": {},` + tail,
		head + `"schedule": {"on": {"webhook": "appfolio"}},` + tail,
		head + `"retry": {"attempts": "often"},` + tail,
		head + `"transforms": [{"filtr": "a"}],` + tail,
		head + `"gate": [{"unique": ["id"], "records": {"min": 1}}],` + tail,
		head + strings.Replace(tail, "upsert", "upset", 1),
		strings.Replace(head, `"id": "text"`, `"id": "txt"`, 1) + tail,
		strings.Replace(head, "delimiter", "delimeter", 1) + tail,
	}
	for _, text := range bad {
		if valid(t, s, text) == nil {
			t.Errorf("accepted: %s", text)
		}
	}
}

func TestProjectSchema(t *testing.T) {
	s := compile(t, "project.schema.json")
	const ok = `{"tieout": 1, "project": "maple", "connections": {"files": {"connector": "file", "path": "./data"},
		"books": {"connector": "postgres", "url": "${env:X}", "timezone": "UTC"}}, "environments": {"dev": {"connections": {"files": {"path": "/tmp"}}}},
		"serve": {"concurrency": 8, "listen": "off"}, "alerts": {"finance": {"slack": "${env:S}", "remind": "4h"}}}`
	if err := valid(t, s, ok); err != nil {
		t.Error(err)
	}
	for _, edit := range [][2]string{{`"connector": "file"`, `"connector": "fil"`}, {`"path": "./data"`, `"url": "x"`}, {`"slack"`, `"slak"`}, {`"listen"`, `"port"`}, {`"project": "maple", `, ""}, {`"tieout": 1`, `"tieout": 2`}} {
		if valid(t, s, strings.Replace(ok, edit[0], edit[1], 1)) == nil {
			t.Errorf("accepted with %s", edit[1])
		}
	}
}

func TestReference(t *testing.T) {
	pages := pipelines.Reference(connectors())
	for name, wants := range map[string][]string{
		"pipeline.md":   {"# pipeline\n", "| `source` | mapping", "## source\n", "| `allow_empty` |", "## sink\n", "## source.fields.<name>\n", "| `minor_units` |", "| `prorate"[:2]},
		"project.md":    {"# tieout.yaml\n", "## connections.<name>\n", "| `timezone` |"},
		"connectors.md": {"## file\n", "### In source\n", "| `csv` |", "## ledger\n", "It is not read from.", "Modes: `append`, `upsert`."},
		"functions.md":  {"### prorate\n"},
		"errors.md":     {"## gate\n", "### gate.unique\n"},
	} {
		text := string(pages[name])
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		if strings.Contains(text, "| any |") && name != "project.md" {
			t.Errorf("%s does not say what a key takes", name)
		}
	}
}
