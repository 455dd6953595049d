package render

import (
	"encoding/json"
	"io"

	"github.com/tieout/tieout/schemas/document"
)

// finding is the machine form of one finding; its keys are a contract.
type finding struct {
	Code       document.Code `json:"code"`
	Severity   string        `json:"severity"`
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Column     int           `json:"column"`
	EndColumn  int           `json:"end_column,omitempty"`
	Path       string        `json:"path,omitempty"`
	Message    string        `json:"message"`
	Suggestion string        `json:"suggestion,omitempty"`
	Fix        *fix          `json:"fix,omitempty"`
}

type fix struct {
	Replace string `json:"replace"`
}

type summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Files    int `json:"files"`
}

type envelope struct {
	Command  string    `json:"command"`
	OK       bool      `json:"ok"`
	Summary  summary   `json:"summary"`
	Findings []finding `json:"findings"`
	Error    *finding  `json:"error"`
	RunID    *string   `json:"run_id"`
	Version  string    `json:"version"`
}

func findingOf(d document.Diagnostic) finding {
	f := finding{
		Code: d.Code, Severity: d.Severity.String(), File: d.File, Line: d.Line, Column: d.Column, EndColumn: d.EndColumn,
		Path: d.Path, Message: d.Message, Suggestion: d.Hint,
	}
	if d.Fix != "" {
		f.Fix = &fix{Replace: d.Fix}
	}
	return f
}

// JSON writes one object with all findings, the same form for every command.
func JSON(w io.Writer, r Report) error {
	e := envelope{
		Command: r.Command, OK: r.OK(), Version: r.Version, Findings: make([]finding, 0, len(r.Findings)),
		Summary: summary{Errors: r.all().Errors(), Warnings: r.all().Warnings(), Files: r.fileCount()},
	}
	for _, d := range r.Findings {
		e.Findings = append(e.Findings, findingOf(d))
	}
	if r.Failure != nil {
		f := findingOf(*r.Failure)
		e.Error = &f
	}
	if r.RunID != "" {
		e.RunID = &r.RunID
	}
	return encode(w, e)
}

// NDJSON writes one finding per line.
func NDJSON(w io.Writer, r Report) error {
	for _, d := range r.all() {
		if err := newEncoder(w).Encode(findingOf(d)); err != nil {
			return err
		}
	}
	return nil
}

func encode(w io.Writer, value any) error {
	e := newEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
