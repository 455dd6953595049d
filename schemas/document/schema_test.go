package document

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", name, diff)
	}
}

func TestSchemaAndReferenceAreGolden(t *testing.T) {
	raw, err := Schema("pipeline", testPipeline{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "pipeline.schema.json", string(raw))
	golden(t, "pipeline.md", ReferencePage("pipeline", "One source, its steps, its sink.", testPipeline{}))
}

// The schema an editor uses and the decoder must judge alike: both take or both
// refuse each sample.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	raw, err := Schema("pipeline", testPipeline{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("p.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("p.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range agreementSamples() {
		_, r := decodeSample(t, s.text)
		if (r.Errors() == 0) != s.ok {
			t.Errorf("decoder: %s\n%v", s.text, r.Diagnostics())
		}
		var value any
		if err := yaml.Unmarshal([]byte(s.text), &value); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); (err == nil) != s.ok {
			t.Errorf("schema: %s\n%v", s.text, err)
		}
	}
}

type recursiveStep struct {
	Also []recursiveUnion `yaml:"also"`
}

type recursiveUnion struct{}

func (*recursiveUnion) Variants() []Variant {
	return []Variant{{Name: "nest", New: func() any { return new(recursiveStep) }}}
}
func (*recursiveUnion) SetVariant(string, any, Position) {}

func TestSchemaOfATypeThatHoldsItself(t *testing.T) {
	raw, err := Schema("step", recursiveStep{})
	if err != nil || !bytes.Contains(raw, []byte(`"$ref": "#/$defs/recursiveUnion"`)) {
		t.Fatalf("%v %s", err, raw)
	}
	if page := ReferencePage("step", "A step.", recursiveStep{}); len(page) > 2000 {
		t.Fatal(page)
	}
}

type agreement struct {
	text string
	ok   bool
}

func agreementSamples() []agreement {
	const head = "pipeline: a\nsource: { connection: c }\n"
	return []agreement{
		{samplePipeline, true},
		{head, true},
		{"pipeline: a\n", false},
		{"source: { connection: c }\n", false},
		{head + "sorce: 1\n", false},
		{head + "description: 0123\n", true},
		{head + "description: [a]\n", false},
		{head + "schedule: { cron: x, catch_up: last }\n", true},
		{head + "schedule: { cron: x, catch_up: lst }\n", false},
		{head + "schedule: { cron: x, paused: yes please }\n", false},
		{head + "schedule: { cron: x, paused: true }\n", true},
		{head + "schedule: {}\n", false},
		{head + "labels: { a: 1, b: -2 }\n", true},
		{head + "labels: { a: x }\n", false},
		{head + "limits: { share: 1%, memory: 64MiB, amount: 1.50 }\n", true},
		{head + "limits: { share: 1 }\n", false},
		{head + "limits: { memory: 64 }\n", false},
		{head + "transforms: [ { filter: a } ]\n", true},
		{head + "transforms: [ { filter: a, set: { b: c } } ]\n", false},
		{head + "transforms: [ { filtr: a } ]\n", false},
		{head + "transforms: { filter: a }\n", false},
		{head + "transforms: [ { lookup: { in: a, match: { b: c }, by: d } } ]\n", true},
		{head + "transforms: [ { lookup: { in: a, match: { b: c }, by: [d, e] } } ]\n", true},
		{head + "transforms: [ { lookup: { in: a } } ]\n", false},
		{head + "gate: [ records, { records: { max: 3 }, otherwise: warn } ]\n", true},
		{head + "gate: [ balanced ]\n", false},
		{head + "gate: [ { otherwise: warn } ]\n", false},
		{head + "sink: { connection: c, key: [a] }\n", true},
		{head + "sink: { connection: c, key: a }\n", false},
		{head + "sink: { key: [a] }\n", false},
		{"pipeline: a\nsource: { connection: c, fields: { a: decimal, b: { type: date } } }\n", true},
		{"pipeline: a\nsource: { connection: c, fields: { a: float } }\n", false},
		{"pipeline: a\nsource: { connection: c, rate_limit: 1.5 }\n", false},
		{"pipeline: a\nsource: { connection: c, settings: { port: \"${env:PORT}\", client_secret: \"${env:S}\" } }\n", true},
		{"pipeline: a\nsource: { connection: c, settings: { port: x } }\n", false},
		{"pipeline: a\nsource: { connection: c, cursor: { lookback: 2h } }\n", true},
		{"pipeline: a\nsource: { connection: c, cursor: { lookback: 2 hours } }\n", false},
	}
}
