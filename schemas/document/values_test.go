package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type holder struct {
	Secret Secret `yaml:"client_secret"`
	hidden Secret
	List   []Secret
}

func TestSecretNeverShowsItself(t *testing.T) {
	r := new(Report)
	d := &Decoder{Report: r, Resolver: ResolverFunc(func(ref Reference) (string, bool, error) {
		return "hunter2-" + ref.Name, true, nil
	})}
	var h struct {
		Secret Secret `yaml:"client_secret"`
		Mixed  Secret `yaml:"mixed"`
	}
	docs := Parse("f", []byte("client_secret: \"${env:QBO_SECRET}\"\nmixed: u-${secret:a}-${secret:b}\n"), r)
	d.Decode(docs[0].Root, &h)
	if r.Errors() > 0 || h.Secret.Reveal() != "hunter2-QBO_SECRET" || h.Secret.Name() != "QBO_SECRET" || h.Mixed.Reveal() != "u-hunter2-a-hunter2-b" || h.Mixed.Name() != "mixed" {
		t.Fatalf("%v %q %q", r.Diagnostics(), h.Secret.Reveal(), h.Mixed.Reveal())
	}
	if len(d.Secrets()) != 2 {
		t.Errorf("%d secrets listed", len(d.Secrets()))
	}
	all := holder{Secret: h.Secret, hidden: h.Secret, List: []Secret{h.Secret}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%p"} {
		fmt.Fprintf(&out, verb+"\n", h.Secret)
		fmt.Fprintf(&out, verb+"\n", all)
		fmt.Fprintf(&out, verb+"\n", &all)
	}
	asJSON, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	text, _ := h.Secret.MarshalText()
	out.Write(text)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", h.Secret, "all", all)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", h.Secret)
	fmt.Fprint(&out, errors.Join(fmt.Errorf("login %v", h.Secret)))
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Fatal(out.String())
	}
	if !strings.Contains(string(asJSON), `"‹secret QBO_SECRET›"`) {
		t.Errorf("%s", asJSON)
	}
}

func TestSecretsWithoutAResolverAreOnlyChecked(t *testing.T) {
	r := new(Report)
	var h struct {
		Secret Secret `yaml:"client_secret"`
		Port   int    `yaml:"port" ref:"true" default:"80"`
	}
	docs := Parse("f", []byte("client_secret: ${env:A}\nport: ${env:PORT}\n"), r)
	(&Decoder{Report: r}).Decode(docs[0].Root, &h)
	if r.Errors() != 0 || h.Secret.IsSet() || !h.Secret.Given() || h.Port != 0 {
		t.Fatalf("%v %v", r.Diagnostics(), h)
	}
}

func TestMissingSecretHasTheCodeOfItsArea(t *testing.T) {
	r := new(Report)
	d := &Decoder{Report: r, Resolver: ResolverFunc(testResolver)}
	var h struct {
		Secret Secret `yaml:"client_secret"`
	}
	docs := Parse("f", []byte("client_secret: ${env:MISSING_SECRET}\n"), r)
	d.Decode(docs[0].Root, &h)
	if found := r.Diagnostics(); len(found) != 1 || found[0].Code != CodeAuthSecretMissing || found[0].Column != 16 || h.Secret.IsSet() {
		t.Fatal(found)
	}
}

func TestReferencesAreReplacedInPlace(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                        "plain",
		"${env:A}":                     "value of A",
		"x${env:A}y${var:B}z":          "xvalue of Ay" + "value of Bz",
		"${env:MISSING:-a:b}":          "a:b",
		"${env:MISSING:-}":             "",
		"$${env:A}":                    "${env:A}",
		"$$${env:A}":                   "$${env:A}",
		"cost $5 {x} ${each:realm_id}": "cost $5 {x} value of realm_id",
	} {
		r := new(Report)
		d := &Decoder{Report: r, Resolver: ResolverFunc(testResolver)}
		var h struct {
			URL string `yaml:"url" ref:"true"`
		}
		docs := Parse("f", []byte("url: "+singleQuoted(text)+"\n"), r)
		d.Decode(docs[0].Root, &h)
		if r.Errors() > 0 || h.URL != want {
			t.Errorf("%s: %q %v", text, h.URL, r.Diagnostics())
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]string{"90s": "90s", "15m": "15m", "2h": "2h", "3d": "3d", "60m": "1h", "48h": "2d", "250ms": "250ms", "0s": "0s", "1500ms": "1500ms"} {
		if d, err := ParseDuration(text); err != nil || d.String() != want {
			t.Errorf("%s: %v %v", text, d, err)
		}
	}
	for _, text := range []string{"", "5", "s", "1.5h", "-1s", "1 h", "1h30m", "1H", "99999999999999999999d", "200000000000d", "1w"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q is read as %v", text, d)
		}
	}
	for text, want := range map[string]Size{"512B": 512, "64KiB": 65536, "64MiB": 64 << 20, "1GiB": 1 << 30, "10MB": 10_000_000} {
		if s, err := ParseSize(text); err != nil || s != want {
			t.Errorf("%s: %v %v", text, s, err)
		}
	}
	if p, err := ParsePercent("0.125%"); err != nil || p.Fraction().String() != "0.00125" || p.String() != "0.125%" {
		t.Errorf("%v %v", p, err)
	}
	for _, text := range []string{"1", "%", "x%", "1%%"} {
		if _, err := ParsePercent(text); err == nil {
			t.Errorf("%q is a percentage", text)
		}
	}
}

func TestUnitsReadBackWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(0, 1<<40).Draw(t, "ms") * 1e6)
		if back, err := ParseDuration(d.String()); err != nil || back != d {
			t.Fatalf("%v: %v %v", d, back, err)
		}
		s := Size(rapid.Int64Range(0, 1<<60).Draw(t, "bytes"))
		if back, err := ParseSize(s.String()); err != nil || back != s {
			t.Fatalf("%v: %v %v", s, back, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	keys := []string{"connection", "stream", "rate_limit", "fields", "key", "in"}
	for name, want := range map[string]string{
		"conection": "connection", "Stream": "stream", "steram": "stream", "rateLimit": "rate_limit", "rate-limit": "rate_limit",
		"field": "fields", "ky": "", "colour": "", "": "", "on": "", "kex": "key", strings.Repeat("x", 500): "",
	} {
		if got := Suggest(name, keys); got.Fix != want {
			t.Errorf("%s: %q", name, got.Fix)
		}
	}
	if s := Suggest("lane", []string{"lake", "lone", "late", "line"}); s.Fix != "" || len(s.Near) != 0 {
		t.Errorf("too many near names: %+v", s)
	}
	if s := Suggest("lane", []string{"lake", "lone", "house"}); s.Fix != "" || s.Hint != "Did you mean lake or lone?\nKnown here: house, lake, lone" {
		t.Errorf("%+v", s)
	}
	if s := Suggest("x", make([]string, 11)); s.Hint != "" {
		t.Errorf("long list: %q", s.Hint)
	}
}

func TestEditDistanceIsAMetric(t *testing.T) {
	word := rapid.StringMatching(`[a-c]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		d := editDistance(a, b)
		if d != editDistance(b, a) || (d == 0) != (string(a) == string(b)) || d > max(len(a), len(b)) {
			t.Fatalf("%s %s %d", string(a), string(b), d)
		}
	})
}
