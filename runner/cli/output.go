package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/document/render"
)

// output writes what a command found, in each format that was asked for.
type output struct {
	app     *app
	command string
	targets []target
	color   bool // of stdout
}

// target is one -o: a format and where it goes.
type target struct {
	format string
	file   string // "" for stdout
}

// envelope is what every command writes with -o json, once.
type envelope struct {
	Command  string          `json:"command"`
	OK       bool            `json:"ok"`
	Exit     int             `json:"exit"`
	Summary  any             `json:"summary"`
	Findings json.RawMessage `json:"findings"`
	Error    *failure        `json:"error"`
	RunID    *string         `json:"run_id"`
	Version  string          `json:"version"`
}

// failure is an error in the envelope.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

var textFormats = []string{"text", "json", "ndjson"}

func newOutput(a *app, cmd *cobra.Command) (*output, error) {
	o := &output{app: a, command: strings.TrimPrefix(cmd.CommandPath(), "tieout "), color: a.colored(a.Stdout)}
	for _, spec := range a.outputs {
		format, file, _ := strings.Cut(spec, "=")
		known := textFormats
		if cmd.Annotations["formats"] == "checks" {
			known = append(slices.Clone(textFormats), "junit", "sarif", "github", "markdown")
		}
		if !slices.Contains(known, format) {
			return nil, usage(fmt.Errorf("-o %q: %s has the formats %s", format, cmd.CommandPath(), strings.Join(known, ", ")), "write -o json, or -o json=FILE")
		}
		o.targets = append(o.targets, target{format: format, file: file})
	}
	if !slices.ContainsFunc(o.targets, func(t target) bool { return t.file == "" }) {
		o.targets = append(o.targets, target{format: "text"})
	}
	return o, nil
}

// colored decides whether a stream gets colour: flag, NO_COLOR,
// CLICOLOR_FORCE, terminal, TERM, in this order.
func (a *app) colored(w io.Writer) bool {
	if a.noColor {
		return false
	}
	if v, set := a.Getenv("NO_COLOR"); set && v != "" {
		return false
	}
	if v, set := a.Getenv("CLICOLOR_FORCE"); set && v != "" && v != "0" {
		return true
	}
	if v, _ := a.Getenv("TERM"); v == "dumb" {
		return false
	}
	return isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// write sends a result to every target. text writes the form for people;
// result is the summary of the envelope.
func (o *output) write(exit int, runID string, result any, text func(io.Writer)) error {
	for _, t := range o.targets {
		var b bytes.Buffer
		switch t.format {
		case "text":
			if !o.app.quiet || exit != exitOK || !o.chatty() {
				text(&b)
			}
		default:
			env := envelope{Command: o.command, OK: exit == exitOK, Exit: exit, Summary: result, Findings: json.RawMessage("[]"), Version: o.app.Version}
			if runID != "" {
				env.RunID = &runID
			}
			if err := encode(&b, t.format, env); err != nil {
				return err
			}
		}
		if err := o.send(t, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// chatty commands only tell that all went well, which --quiet leaves out.
func (o *output) chatty() bool { return slices.Contains([]string{"run", "init", "fmt"}, o.command) }

func encode(w io.Writer, format string, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if format == "json" {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(value)
}

func (o *output) send(t target, text []byte) error {
	if t.file == "" {
		_, err := o.app.Stdout.Write(text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.file), 0o755); err != nil {
		return &exitError{err: err, exit: exitEnvironment, code: string(document.CodeRunOutput), hint: "name another file"}
	}
	if err := os.WriteFile(t.file, text, 0o644); err != nil {
		return &exitError{err: err, exit: exitEnvironment, code: string(document.CodeRunOutput), hint: "name another file"}
	}
	return nil
}

// findings renders diagnostics in every format.
func (o *output) findings(report *document.Report, elapsed func(*render.Report)) error {
	r := render.Report{Command: o.command, Version: o.app.Version, Findings: report.Diagnostics(), Files: report.Files(), Lines: withoutSecrets(report)}
	elapsed(&r)
	for _, t := range o.targets {
		if t.format == "text" && o.app.quiet && o.app.exit == exitOK {
			continue
		}
		var b bytes.Buffer
		err := render.Write(&b, t.format, r)
		if err == nil && t.format == "json" {
			err = o.enveloped(&b)
		}
		if err != nil {
			return err
		}
		if err := o.send(t, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// withoutSecrets gives the lines of files but for those a secret stands in:
// what is printed ends in logs.
func withoutSecrets(report *document.Report) func(file string, line int) string {
	type place struct {
		file string
		line int
	}
	hidden := make(map[place]bool)
	for _, d := range report.Diagnostics() {
		if d.Code == document.CodeSecretInFile {
			hidden[place{d.File, d.Line}] = true
		}
	}
	return func(file string, line int) string {
		if hidden[place{file, line}] {
			return ""
		}
		return report.Line(file, line)
	}
}

// enveloped puts findings that were written as JSON into the envelope that
// every command has.
func (o *output) enveloped(b *bytes.Buffer) error {
	var r struct {
		OK       bool            `json:"ok"`
		Summary  json.RawMessage `json:"summary"`
		Findings json.RawMessage `json:"findings"`
	}
	if err := json.Unmarshal(b.Bytes(), &r); err != nil {
		return err
	}
	b.Reset()
	ok := r.OK && o.app.exit == exitOK
	return encode(b, "json", envelope{Command: o.command, OK: ok, Exit: o.app.exit, Summary: r.Summary, Findings: r.Findings, Version: o.app.Version})
}

// fail reports the error that ended a command: findings with their places,
// anything else as one line with a hint.
func (a *app) fail(cmd *cobra.Command, err error) {
	if errors.Is(err, errSilent) {
		return
	}
	f := describe(err)
	fmt.Fprintf(a.Stderr, "tieout: %s\n", f.Message)
	if f.Hint != "" {
		fmt.Fprintf(a.Stderr, "hint: %s\n", f.Hint)
	}
	if a.out == nil {
		a.outputs = askedOutputs(a.Args)
		if a.out, _ = newOutput(a, cmd); a.out == nil {
			return
		}
	}
	for _, t := range a.out.targets {
		if t.format != "json" && t.format != "ndjson" {
			continue
		}
		var b bytes.Buffer
		env := envelope{Command: a.out.command, Exit: exitOf(err), Findings: json.RawMessage("[]"), Error: &f, Version: a.Version}
		if encode(&b, t.format, env) == nil {
			_ = a.out.send(t, b.Bytes()) // the error being reported matters more
		}
	}
}

// askedOutputs finds the formats on a command line that could not be parsed,
// so that a program that asked for JSON gets JSON.
func askedOutputs(args []string) []string {
	var out []string
	for i, arg := range args {
		value, long := strings.CutPrefix(arg, "--output=")
		switch {
		case long:
			out = append(out, value)
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			out = append(out, args[i+1])
		case strings.HasPrefix(arg, "-o") && len(arg) > 2 && arg[2] != '-':
			out = append(out, arg[2:])
		}
	}
	return out
}

// describe gives an error its code and the next step.
func describe(err error) failure {
	var known *exitError
	f := failure{Code: codeOf(err), Message: err.Error(), Hint: hintFor(err)}
	if errors.As(err, &known) {
		f.Code = known.code
		if known.hint != "" {
			f.Hint = known.hint
		}
	}
	if found, ok := document.AsDiagnostics(err); ok && len(found) > 0 {
		first := found.First() // a warning before it is not what stopped the command
		f.Code, f.Message, f.Hint = string(first.Code), listed(found), first.Hint
	}
	return f
}

// listed puts all findings of an error in its message, one a line.
func listed(found document.Diagnostics) string {
	lines := make([]string, len(found))
	for i := range found {
		lines[i] = found[i].String()
	}
	return strings.Join(lines, "\n")
}
