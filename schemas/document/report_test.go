package document

import (
	"errors"
	"fmt"
	"testing"
)

func TestDiagnosticsSortAndSummarise(t *testing.T) {
	at := func(f string, l, c int) Position { return Position{File: f, Line: l, Column: c} }
	r := new(Report)
	if r.Err() != nil {
		t.Fatal("an empty report is an error")
	}
	r.Warnf(CodeSecretInFile, at("b", 1, 1), "/a", "", "w %d", 1)
	if r.Err() != nil || r.Diagnostics().Warnings() != 1 {
		t.Fatal("a warning is an error")
	}
	other := new(Report)
	Parse("x", []byte("a: 1\n"), other)
	other.Errorf(CodeTab, at("a", 2, 10), "", "hint", "third")
	other.Errorf(CodeTab, at("a", 2, 9), "", "", "second")
	other.Errorf(CodeTab, at("a", 1, 99), "", "", "first")
	other.Errorf(CodeTab, at("a", 2, 9), "", "", "second")
	r.Merge(other)
	found := r.Diagnostics()
	if len(found) != 4 || found[0].Message != "first" || found[1].Message != "second" || found[2].Column != 10 || found[3].File != "b" {
		t.Fatalf("%v", found)
	}
	if found.Errors() != 3 || r.Line("x", 1) != "a: 1" || r.Line("x", 9) != "" || r.Line("y", 1) != "" {
		t.Fatalf("%v", found)
	}
	err := fmt.Errorf("load: %w", r.Err())
	if err.Error() != "load: a:1:99 yaml.tab first (and 2 more)" {
		t.Error(err)
	}
	if inner, ok := AsDiagnostics(err); !ok || len(inner) != 4 {
		t.Error("findings are lost in the error")
	}
	if _, ok := AsDiagnostics(errors.New("x")); ok {
		t.Error("found findings in a plain error")
	}
}

type common struct {
	Connection string `yaml:"connection" required:"true"`
}

type special struct {
	Sheet  string `yaml:"sheet"`
	Header string `yaml:"header" default:"first"`
}

func TestDecodeOneMappingIntoSeveralStructs(t *testing.T) {
	r := new(Report)
	var c common
	var s special
	docs := Parse("f", []byte("connection: a\nsheet: b\nsheeet: c\n"), r)
	(&Decoder{Report: r}).Decode(docs[0].Root, &c, &s)
	found := r.Diagnostics()
	if c.Connection != "a" || s.Sheet != "b" || s.Header != "first" || len(found) != 1 || found[0].Fix != "sheet" {
		t.Fatalf("%+v %+v %v", c, s, found)
	}
	if found[0].Path != "/sheeet" || found[0].EndColumn != 7 {
		t.Errorf("%+v", found[0])
	}
}

func TestJSONLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"null": "null", "~": "null", "": "null", "true": "true", "false": "false", "0": "0", "-0.50": "-0.50", "1e9": "1e9", "12E-3": "12E-3",
		`"null"`: "", `'1'`: "", `"true"`: "", "0123": "", "+1": "", ".5": "", "1.": "", "1_000": "", "0x1F": "", ".inf": "", "yes": "", "True": "", "1 2": "",
		"2026-01-31": "", "{a: 1}": "", "[1]": "", "|\n  1": "",
	} {
		n := Parse("f", []byte("a: "+text+"\n"), new(Report))[0].Root.Get("a")
		if got, ok := n.JSONLiteral(); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestNodeWalk(t *testing.T) {
	r := new(Report)
	root := Parse("f", []byte("a~b/c:\n  - x: 0123\n    y: ~\n"), r)[0].Root
	item := root.Get("a~b/c").Children()[0]
	if x := item.Get("x"); x.Text() != "0123" || x.Path() != "/a~0b~1c/0/x" || x.Position().Column != 8 || x.Key().Text() != "x" || x.Parent() != item {
		t.Errorf("%v %s", x.Position(), x.Path())
	}
	if !item.Get("y").IsNull() || item.Get("z") != nil || item.KeyNode("y").Position().Line != 3 || item.Kind() != Mapping {
		t.Error("wrong walk")
	}
}
