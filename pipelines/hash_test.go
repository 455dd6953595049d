package pipelines_test

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/pipelines"
)

const hashed = `pipeline: rent_roll
description: What is owed.
owner: a@example.com
notify: finance
schedule: { every: 1h }
money: { amounts: [rent], currency: USD }
source:
  connection: files
  stream: rent.csv
  fields: { id: text, rent: decimal, moved: { type: date, pattern: DD/MM/YYYY } }
transforms:
  - set: { due: rent + 1, fee: due * 2 }
  - rename: { a: id, b: moved }
  - lookup: { in: mappings/a.csv, match: { a: account }, add: { item: item } }
rules:
  - { name: known, expect: due > 0 }
gate:
  - unique: [a]
sink: { connection: warehouse, stream: rent_roll, key: [a] }
`

func hashOf(t *testing.T, projectText, text string, tables map[string]string) string {
	t.Helper()
	w := load(pipelines.Options{}, "tieout.yaml", projectText, "p.yaml", text)
	if err := w.Report.Err(); err != nil {
		t.Fatal(err)
	}
	return w.ConfigHash(w.Pipelines[0], tables)
}

func TestConfigHash(t *testing.T) {
	tables := map[string]string{"mappings/a.csv": "1", "mappings/b.csv": "2"}
	want := hashOf(t, project, hashed, tables)
	if len(want) != 64 {
		t.Fatalf("%q", want)
	}
	edit := func(pairs ...string) string {
		out := strings.NewReplacer(pairs...).Replace(hashed)
		if out == hashed {
			t.Fatalf("%q changes nothing", pairs)
		}
		return out
	}
	same := map[string]string{
		"comment":     "# why\n" + hashed,
		"description": edit("What is owed.", "Something else."),
		"owner":       edit("owner: a@example.com\n", ""),
		"schedule":    edit("schedule: { every: 1h }\nnotify", "notify", "every: 1h", "cron: \"0 6 * * *\""),
		"retry":       edit("owner: a@example.com\n", "retry: { attempts: 5 }\n"),
		"deadlines":   edit("owner: a@example.com\n", "timeout: 1h\nfresh_within: 2d\n"),
		"alert":       edit("notify: finance\n", ""),
		"key order":   edit("  connection: files\n  stream: rent.csv\n", "  stream: rent.csv\n  connection: files\n"),
		"fields":      edit("{ id: text, rent: decimal,", "{ rent: { type: decimal }, id: { type: text },"),
		"quoting":     edit("stream: rent.csv", `stream: "rent.csv"`),
		"folding":     edit("  - { name: known, expect: due > 0 }", "  - name: known\n    expect: >\n      due  >\n      0"),
		"rename":      edit("{ a: id, b: moved }", "{ b: moved, a: id }"),
		"defaults":    edit("key: [a] }", "key: a, mode: upsert }", "expect: due > 0", "expect: due > 0, otherwise: quarantine"),
		"gate form":   edit("- unique: [a]", "- unique: { fields: [a], otherwise: block }"),
	}
	for name, text := range same {
		if got := hashOf(t, project, text, tables); got != want {
			t.Errorf("%s changed the hash", name)
		}
	}
	different := map[string]string{
		"name":        edit("pipeline: rent_roll", "pipeline: rent"),
		"expression":  edit("rent + 1", "rent + 2"),
		"order":       edit("due: rent + 1, fee: due * 2", "fee: rent * 2, due: rent + 1"),
		"text":        edit("due > 0", "due > 0 and a != 'x y'"),
		"blanks":      edit("due > 0", "due > 0 and a != 'x  y'"),
		"pattern":     edit("DD/MM", "MM/DD"),
		"gate":        edit("- unique: [a]", "- unique: [b]"),
		"warn":        edit("- unique: [a]", "- unique: [a]\n    otherwise: warn"),
		"mode":        edit("key: [a] }", "key: [a], mode: replace }"),
		"stream":      edit("rent.csv", "rents.csv"),
		"options":     edit("stream: rent.csv", "stream: rent.csv\n  csv: { delimiter: \";\" }"),
		"currency":    edit("USD", "GBP"),
		"zone":        edit("owner: a@example.com", "timezone: Europe/London"),
		"lookup step": edit("add: { item: item }", "add: { item: item }, missing: nil"),
	}
	seen := map[string]string{want: "the original"}
	for name, text := range different {
		got := hashOf(t, project, text, tables)
		if other, dup := seen[got]; dup {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[got] = name
	}
	if hashOf(t, project, hashed, map[string]string{"mappings/a.csv": "1", "mappings/b.csv": "3"}) == want {
		t.Error("the tables do not count")
	}
	if hashOf(t, strings.Replace(project, "alerts:", "vars: { a: b }\nalerts:", 1), hashed, tables) == want {
		t.Error("the vars do not count")
	}
	if hashOf(t, strings.Replace(project, "WAREHOUSE_URL", "OTHER_URL", 1), hashed, tables) != want {
		t.Error("a secret's name counts")
	}
}
