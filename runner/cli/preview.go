package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
)

func (a *app) previewCommand() *cobra.Command {
	var o project.PreviewOptions
	var expr string
	cmd := &cobra.Command{
		Use:   "preview PIPELINE",
		Short: "Show the first records before and after each step; writes nothing",
		Example: `  tieout preview rent_roll
  tieout preview rent_roll --limit 3 -o json
  tieout preview rent_roll --expr 'round(rent * 1.03, 2)'`,
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Limit < 1 || o.Limit > mostPreviewed {
				return usage(fmt.Errorf("--limit %d is not between 1 and %d", o.Limit, mostPreviewed), "write --limit 5")
			}
			if expr != "" {
				return a.evaluate(cmd.Context(), args[0], expr, o)
			}
			return a.preview(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().IntVar(&o.Limit, "limit", 5, "how many records to read")
	cmd.Flags().StringVar(&expr, "expr", "", "an expression to compute over the records")
	cmd.Flags().StringVar(&o.Given, "given", "", "a file whose records stand in for the source")
	return cmd
}

const mostPreviewed = 1000

func (a *app) preview(ctx context.Context, name string, o project.PreviewOptions) error {
	p, pipeline, err := a.sound(name)
	if err != nil {
		return err
	}
	shown, err := p.Preview(ctx, pipeline, o)
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", shown, func(w io.Writer) {
		before := ""
		for i := range shown.Stages {
			before = writeStage(w, &shown.Stages[i], before)
		}
		for _, r := range shown.Rules {
			word := "met by"
			fmt.Fprintf(w, "rule %s: %s %s, not by %s (%s)\n", r.Rule, word, thousands(r.Passed), thousands(r.Failed), r.Otherwise)
		}
		for i := range shown.Held {
			writeHeldPreview(w, &shown.Held[i])
		}
		fmt.Fprintf(w, "Next: tieout run %s --dry-run\n", pipeline.Name())
	})
}

// writeStage shows the records behind a stage; a stage that changes nothing
// is one line. It returns the records' text, for the next.
func writeStage(w io.Writer, s *runner.PreviewStage, before string) string {
	fmt.Fprintf(w, "%s  %s\n", s.Stage, stageCounts(s))
	text := recordTable(s.Records)
	if text == before {
		fmt.Fprintln(w, "  as before")
	} else {
		io.WriteString(w, text)
	}
	fmt.Fprintln(w)
	return text
}

func stageCounts(s *runner.PreviewStage) string {
	t := &s.Tally
	parts := []string{fmt.Sprintf("%s in, %s out", thousands(t.In), thousands(t.Out))}
	for _, c := range []struct {
		n    int64
		word string
	}{{t.Created, "made"}, {t.Merged, "merged"}, {t.Dropped, "dropped"}, {t.Filtered, "filtered"}, {t.Held, "held"}} {
		if c.n > 0 {
			parts = append(parts, thousands(c.n)+" "+c.word)
		}
	}
	return strings.Join(parts, ", ")
}

const cellWidth = 28

// recordTable writes records as a table with one column for each field.
func recordTable(records []json.RawMessage) string {
	if len(records) == 0 {
		return "  no records\n"
	}
	var names []string
	var parsed [][]member
	for _, r := range records {
		fields, err := members(string(r))
		if err != nil {
			continue
		}
		parsed = append(parsed, fields)
		for _, f := range fields {
			if !slices.Contains(names, f.name) {
				names = append(names, f.name)
			}
		}
	}
	rows := make([][]string, len(parsed))
	for i, fields := range parsed {
		rows[i] = make([]string, len(names))
		for _, f := range fields {
			rows[i][slices.Index(names, f.name)] = short(plainText(f.value), cellWidth)
		}
	}
	var b strings.Builder
	head := make([]string, len(names))
	for i, n := range names {
		head[i] = short(n, cellWidth)
	}
	head[0] = "  " + head[0]
	for i := range rows {
		rows[i][0] = "  " + rows[i][0]
	}
	table(&b, head, rows)
	return b.String()
}

// plainText is a JSON value for people.
func plainText(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) == nil && len(v) > 0 && v[0] == '"' {
		return text
	}
	if string(v) == "null" {
		return "-"
	}
	return string(v)
}

func writeHeldPreview(w io.Writer, h *runner.Held) {
	place := ""
	if h.Line > 0 {
		place = fmt.Sprintf(" (%s line %d)", h.Input, h.Line)
	}
	fmt.Fprintf(w, "held %s%s\n", short(h.Key, 40), place)
	for _, reason := range h.Reasons {
		fmt.Fprintf(w, "  %s: %s\n", reason.Code, indented(reason.Message))
	}
}

func (a *app) evaluate(ctx context.Context, name, expr string, o project.PreviewOptions) error {
	p, pipeline, err := a.sound(name)
	if err != nil {
		return err
	}
	got, err := p.Evaluate(ctx, pipeline, expr, o)
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", got, func(w io.Writer) {
		over := "over the records as they are read"
		if got.Over == "steps" {
			over = "over the records as they come to the rules"
		}
		fmt.Fprintf(w, "%s  is %s, %s\n", expr, got.Kind, over)
		for _, v := range got.Values {
			value := plainText(v.Value)
			if v.Failure != "" {
				value = "fails: " + v.Failure
			}
			fmt.Fprintf(w, "  %s  from %s\n", value, short(string(v.Record), 90))
		}
		fmt.Fprintf(w, "Next: tieout preview %s\n", pipeline.Name())
	})
}
