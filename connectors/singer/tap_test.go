package singer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// The test binary is a tap when this variable says what to print.
const tapSays = "TIEOUT_TEST_TAP"

func TestMain(m *testing.M) {
	if text := os.Getenv(tapSays); text != "" {
		os.Exit(beTap(text, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// beTap prints the lines of a text. A line that begins with ! does something:
// !exit N, !sleep, !arguments (tells them on the error output), !catalog.
func beTap(text string, arguments []string) int {
	for _, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "!exit":
			n, _ := strconv.Atoi(rest)
			return n
		case "!sleep":
			child := exec.Command("sleep", "300") // which a kill must reach too
			child.Start()
			fmt.Fprintln(os.Stderr, "child", child.Process.Pid)
			time.Sleep(5 * time.Minute)
		case "!arguments":
			for i, a := range arguments {
				fmt.Fprintln(os.Stderr, "argument", filepath.Base(a))
				if i > 0 && strings.HasPrefix(arguments[i-1], "--") && strings.HasSuffix(a, ".json") {
					content, _ := os.ReadFile(a)
					info, _ := os.Stat(a)
					fmt.Fprintln(os.Stderr, arguments[i-1], info.Mode(), string(content))
				}
			}
		case "!catalog":
			if slices.Contains(arguments, "--discover") {
				fmt.Println(rest)
				return 0
			}
		case "!say":
			fmt.Fprintln(os.Stderr, rest)
		default:
			fmt.Println(line)
		}
	}
	return 0
}

const schemaLine = `{"type":"SCHEMA","stream":"bills","key_properties":["id"],"schema":{"type":"object","properties":{"id":{"type":"integer"},"total":{"type":["null","number"],"multipleOf":0.01},"fine":{"type":"string","format":"singer.decimal"},"at":{"anyOf":[{"type":"string","format":"date-time"},{"type":"null"}]},"on":{"type":["string","null"],"format":"date"},"open":{"type":"boolean"},"memo":{"type":["string","null"]},"any":{"type":["string","integer"]},"lines":{"type":"array","items":{"type":"object","properties":{"amount":{"type":"number"}}}},"from":{"type":"object","properties":{"name":{"type":"string"}}}}}}`

func line(n int) string {
	return fmt.Sprintf(`{"type":"RECORD","stream":"bills","record":{"id":%d,"total":%d.10,"fine":"1234567890123456789.000000001","at":"2026-01-31T10:20:30.5Z","on":"2026-01-31","open":true,"memo":null,"any":7,"lines":[{"amount":1.005},{"amount":2e1}],"from":{"name":"Ana"}}}`, n, n)
}

// tapOf is a connection to a tap that prints lines.
func tapOf(t *testing.T, lines ...string) *Connection {
	t.Helper()
	c := &Connection{Command: []document.Text{document.TextAt(os.Args[0], document.Position{})}}
	c.Env.Entries = append(c.Env.Entries, document.Entry[document.Secret]{Key: document.TextAt(tapSays, document.Position{}), Value: document.NewSecret("tap", strings.Join(lines, "\n"))})
	return c
}

func sourceOf(t *testing.T, c *Connection) *source {
	t.Helper()
	env := connectors.Env{Dir: t.TempDir(), Spool: filepath.Join(t.TempDir(), "spool", "run"), Limits: connectors.DefaultLimits(), Name: "tap"}
	s, err := newSource(env, c, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	return s.(*source)
}

// rowsOf reads everything as JSON, and the position.
func rowsOf(t *testing.T, s *source, read connectors.Read) (rows []string, r *reader, err error) {
	t.Helper()
	opened, err := s.Open(context.Background(), read)
	if err != nil {
		return nil, nil, err
	}
	defer opened.Close()
	var b record.Batch
	for {
		err := opened.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			return rows, opened.(*reader), nil
		}
		if err != nil {
			return rows, opened.(*reader), err
		}
		for _, row := range b.Live {
			rows = append(rows, string(record.AppendRowJSON(nil, &b, int(row))))
		}
		for _, h := range b.Held {
			rows = append(rows, "held: "+h.Message)
		}
	}
}

// Records come typed as the schema says, and no digit is lost.
func TestRecords(t *testing.T) {
	s := sourceOf(t, tapOf(t, schemaLine, line(1), `{"type":"STATE","value":{"bookmarks":{"bills":"1"}}}`, line(2), `{"type":"STATE","value":{"bookmarks":{"bills":"2"}}}`))
	rows, r, err := rowsOf(t, s, connectors.Read{Stream: "bills", Key: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":1,"total":"1.1","fine":"1234567890123456789.000000001","at":"2026-01-31T10:20:30.5Z","on":"2026-01-31","open":true,"memo":null,"any":"7","lines":[{"amount":"1.005"},{"amount":"20"}],"from":{"name":"Ana"}}`
	if len(rows) != 2 || rows[0] != want {
		t.Errorf("got  %s\nwant %s", strings.Join(rows, "\n"), want)
	}
	if p := r.Position("load"); p == nil || p.Text != `{"bookmarks":{"bills":"2"}}` || p.Field != "state" || p.LoadID != "load" {
		t.Errorf("position %+v", p)
	}
	if notes := r.Notes(); len(notes) > 0 || r.Resumed() {
		t.Errorf("notes %q, resumed %v", notes, r.Resumed())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(s.env.Spool), "*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// What a pipeline declares counts before the schema.
func TestDeclared(t *testing.T) {
	s := sourceOf(t, tapOf(t, schemaLine, line(1)))
	rows, _, err := rowsOf(t, s, connectors.Read{Stream: "bills", Fields: []connectors.FieldSpec{
		{Name: "amount", Columns: []string{"total"}, Kind: record.Decimal, Scale: 2}, {Name: "open", Kind: record.Text, Scale: record.NoScale}}, Wanted: []string{"amount", "open", "on"}})
	if err != nil || len(rows) != 1 || rows[0] != `{"amount":"1.10","open":"true","on":"2026-01-31"}` {
		t.Errorf("%q, %v", rows, err)
	}
}

// A tap that dies, prints something else or leaves the rules loads nothing.
func TestFailures(t *testing.T) {
	const canary = "k\u00e9y-canary"
	for name, c := range map[string]struct {
		lines []string
		want  string
		kind  error
	}{
		"exit":             {[]string{schemaLine, line(1), "!say no more " + canary, "!exit 7"}, "it ended with status 7; it said last: no more", nil},
		"exit at once":     {[]string{"!exit 1"}, "status 1", nil},
		"garbage":          {[]string{schemaLine, "INFO starting " + canary}, "line 2", errTap},
		"half a record":    {[]string{schemaLine, line(1)[:60]}, "line 2", errTap},
		"not a number":     {[]string{schemaLine, strings.Replace(line(1), `"Ana"`, `NaN`, 1)}, "line 2 of the tap is not sound JSON; it says NaN", errTap},
		"more than one":    {[]string{schemaLine, line(1) + line(2)}, "line 2", errTap},
		"no type":          {[]string{`{"stream":"bills"}`}, "line 1", errTap},
		"another type":     {[]string{schemaLine, `{"type":"BATCH","stream":"bills","manifest":[]}`}, `"BATCH", which is not known`, errTap},
		"before schema":    {[]string{line(1)}, "before its schema", errTap},
		"schema changes":   {[]string{schemaLine, line(1), strings.Replace(schemaLine, "memo", "note", 1)}, "another schema", errTap},
		"schema broken":    {[]string{`{"type":"SCHEMA","stream":"bills","schema":{"properties":{"a":{"type":7}}},"key_properties":[]}`}, "schema of bills", errTap},
		"record missing":   {[]string{schemaLine, `{"type":"RECORD","stream":"bills"}`}, "a RECORD without record", errTap},
		"no such stream":   {[]string{strings.Replace(schemaLine, "bills", "bill", 1)}, `no stream "bills"`, connectors.ErrConfig},
		"nothing":          {[]string{"!exit 0"}, "it printed nothing", connectors.ErrConfig},
		"a long line":      {[]string{schemaLine, strings.Replace(line(1), "Ana", strings.Repeat("x", 9<<20), 1)}, "a line of more than", errTap},
		"a list":           {[]string{`[1,2]`}, "line 1", errTap},
		"schemas too deep": {[]string{`{"type":"SCHEMA","stream":"bills","key_properties":[],"schema":` + strings.Repeat(`{"type":"object","properties":{"a":`, 200) + `{}` + strings.Repeat(`}}`, 200) + `}`}, "nested too deep", errTap},
	} {
		t.Run(name, func(t *testing.T) {
			conn := tapOf(t, c.lines...)
			if len(c.lines[0]) > 100_000 || len(c.lines[len(c.lines)-1]) > 100_000 {
				conn = script(t, c.lines...)
			}
			conn.Env.Entries = append(conn.Env.Entries, document.Entry[document.Secret]{Key: document.TextAt("KEY", document.Position{}), Value: document.NewSecret("key", canary)})
			s := sourceOf(t, conn)
			rows, _, err := rowsOf(t, s, connectors.Read{Stream: "bills"})
			if err == nil || !strings.Contains(err.Error(), c.want) || c.kind == nil && (errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrEnvironment)) || c.kind != nil && !errors.Is(err, c.kind) || len(rows) > 0 {
				t.Errorf("%d rows, error %v, want %q", len(rows), err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error tells a secret: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(s.env.Spool), "*")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// script is a tap that is a shell script.
func script(t *testing.T, lines ...string) *Connection {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "out"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tap.sh"), []byte("#!/bin/sh\ncat out\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Connection{Command: []document.Text{document.TextAt("./tap.sh --all", document.Position{})}, Dir: document.TextAt(dir, document.Position{})}
}

// The tap is told its configuration and state, in files of its own.
func TestArguments(t *testing.T) {
	var said strings.Builder
	conn := tapOf(t, "!arguments", schemaLine, `{"type":"STATE","value":2}`)
	conn.Config = &Config{names: []string{"start", "list", "key", "text"}, items: []*Config{{plain: "1.50"}, {list: true, items: []*Config{{plain: "true"}}}, {secret: document.NewSecret("key", "s3cret\"key")}, {plain: `"0123"`}}}
	s := sourceOf(t, conn)
	s.env.Log = slog.New(slog.NewTextHandler(&said, nil))
	read := connectors.Read{Stream: "bills", Before: &connectors.Position{Field: "state", Text: `{"a":1}`}}
	_, r, err := rowsOf(t, s, read)
	if err != nil || !r.Resumed() {
		t.Fatal(err)
	}
	log := strings.ReplaceAll(said.String(), `\"`, `"`)
	for _, want := range []string{"argument --config", "argument --state", `--state -rw------- {"a":1}`, `--config -rw------- {"start":1.50,"list":[true],"key":`, `"text":"0123"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the tap was not told %s:\n%s", want, log)
		}
	}
	said.Reset()
	read.Afresh = true
	if _, r, err := rowsOf(t, s, read); err != nil || r.Resumed() || strings.Contains(said.String(), "--state") {
		t.Errorf("a full refresh was told a state: %v\n%s", err, said.String())
	}
}

// The catalog a tap gives is handed back with one stream selected.
func TestCatalog(t *testing.T) {
	var said strings.Builder
	conn := tapOf(t, `!catalog {"streams":[{"tap_stream_id":"o","stream":"other","metadata":[]},{"tap_stream_id":"b","stream":"bills","schema":{"n":1.10},"metadata":[{"breadcrumb":[],"metadata":{"x":1}},{"breadcrumb":["properties","id"],"metadata":{"inclusion":"available"}}]}]}`,
		"!arguments", schemaLine, line(1))
	conn.Discover = true
	s := sourceOf(t, conn)
	s.env.Log = slog.New(slog.NewTextHandler(&said, nil))
	s.options.Replication, s.options.By = "incremental", document.TextAt("at", document.Position{})
	if rows, _, err := rowsOf(t, s, connectors.Read{Stream: "bills"}); err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	log := strings.ReplaceAll(said.String(), `\"`, `"`)
	for _, want := range []string{`"n":1.10`, `"replication-key":"at"`, `"replication-method":"INCREMENTAL"`, `"selected":true,"x":1`, `"inclusion":"available","selected":true`, `"selected":false,"stream":"other"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the catalog lacks %s:\n%s", want, log)
		}
	}
	if names, err := s.Streams(context.Background()); err != nil || !slices.Equal(names, []string{"bills", "other"}) {
		t.Errorf("streams %q, %v", names, err)
	}
	if _, _, err := rowsOf(t, s, connectors.Read{Stream: "bils"}); err == nil || !strings.Contains(err.Error(), "bills") {
		t.Errorf("a wrong name: %v", err)
	}
}

// A tap that hangs is killed with what it has started.
func TestKilled(t *testing.T) {
	for name, change := range map[string]func(*Connection, context.CancelFunc){
		"idle":    func(c *Connection, _ context.CancelFunc) { c.Idle = document.Duration(300 * time.Millisecond) },
		"timeout": func(c *Connection, _ context.CancelFunc) { c.Timeout = document.Duration(300 * time.Millisecond) },
		"cancel":  func(_ *Connection, cancel context.CancelFunc) { time.AfterFunc(300*time.Millisecond, cancel) },
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			conn := tapOf(t, schemaLine, line(1), "!sleep")
			change(conn, cancel)
			s := sourceOf(t, conn)
			s.env.Log = slog.New(slog.NewTextHandler(&said, nil))
			began := time.Now()
			_, err := s.Open(ctx, connectors.Read{Stream: "bills"})
			if err == nil || time.Since(began) > 5*time.Second || name == "cancel" != errors.Is(err, context.Canceled) {
				t.Errorf("%v after %s", err, time.Since(began))
			}
			_, pid, _ := strings.Cut(said.String(), "child ")
			child, err := strconv.Atoi(strings.Trim(pid, "\"\n"))
			if err != nil {
				t.Fatalf("the tap did not start its child: %q", said.String())
			}
			for range 100 {
				if errors.Is(syscall.Kill(child, 0), syscall.ESRCH) || zombie(child) {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("what the tap started is alive")
		})
	}
}

// zombie reports a process that has ended and waits for its parent.
func zombie(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Contains(string(stat), ") Z ")
}

// Records of a table that was read anew since are left out.
func TestVersions(t *testing.T) {
	versioned := func(n int, v string) string {
		return strings.Replace(line(n), `"record"`, `"version":`+v+`,"record"`, 1)
	}
	s := sourceOf(t, tapOf(t, schemaLine, versioned(1, "1"), versioned(2, "2"), `{"type":"ACTIVATE_VERSION","stream":"bills","version":2}`, versioned(3, "2"),
		strings.Replace(schemaLine, "bills", "other", 1), strings.Replace(line(1), "bills", "other", 1)))
	rows, r, err := rowsOf(t, s, connectors.Read{Stream: "bills"})
	if err != nil || len(rows) != 2 || !strings.Contains(rows[0], `"id":2,`) {
		t.Errorf("%q, %v", rows, err)
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "1 records of bills are of an older version") || !strings.Contains(notes, "1 records of other") {
		t.Errorf("notes: %s", notes)
	}
}

// No line of a tap makes the reader panic, and none it takes lacks a part.
func FuzzMessage(f *testing.F) {
	for _, line := range []string{schemaLine, line(1), `{"type":"STATE","value":{}}`, `{"type":"ACTIVATE_VERSION","stream":"a","version":1}`, `{"type":"RECORD","stream":"a","record":{"a":`, `[`, `{"type":1}`, `{"type":"SCHEMA","stream":"a","schema":{"properties":{"a":{"type":["null"],"anyOf":[{}]}}},"key_properties":null}`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m message
		if err := m.parse([]byte(text), 1); err != nil {
			return
		}
		if m.kind == "RECORD" && (m.stream == "" || len(m.record) == 0) {
			t.Errorf("a record without a part: %+v", m)
		}
		if m.kind == "SCHEMA" {
			fieldsOf(m.schema, connectors.DefaultLimits())
		}
	})
}
