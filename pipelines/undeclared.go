package pipelines

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// compile is Pipeline.compile with the commonest cause of a wrong type said
// along: a column of a CSV file that nobody declared comes as text.
func (c *checker) compile(in *record.Shape, tc *transforms.Context) *walked {
	if tc.Env.Assume != record.Text {
		return c.p.compile(in, tc)
	}
	var found document.Report
	local := *tc
	local.Report = &found
	out := c.p.compile(in, &local)
	for _, d := range found.Diagnostics() {
		if d.Code == document.CodeExprType {
			if names := c.undeclared(d, in, out); len(names) > 0 {
				d.Hint = fmt.Sprintf("%s is not declared and comes as text; declare its type:\nsource: { fields: { %s: decimal } }\n", strings.Join(names, ", "), names[0]) + d.Hint
			}
		}
		c.r.Add(d)
	}
	return out
}

var word = regexp.MustCompile(`[\pL_][\pL\pN_]*`)

// undeclared lists the fields in the text a finding marks that no step and no
// declaration made.
func (c *checker) undeclared(d document.Diagnostic, in *record.Shape, out *walked) []string {
	line := []rune(c.line(d.File, d.Line))
	if d.EndColumn <= d.Column || d.EndColumn-1 > len(line) {
		return nil
	}
	marked := string(line[d.Column-1 : d.EndColumn-1])
	known := append([]string{"and", "or", "not", "in", "if", "else", "let", "nil", "true", "false", "lines", "record",
		"contains", "matches", "startsWith", "endsWith", "run", "var"}, in.Names()...)
	for _, plan := range out.Plans {
		known = append(known, plan.Shape().Names()...)
	}
	var names []string
	for _, at := range word.FindAllStringIndex(marked, -1) {
		name := marked[at[0]:at[1]]
		called := strings.HasPrefix(strings.TrimLeft(marked[at[1]:], " "), "(")
		part := at[0] > 0 && strings.ContainsRune(`."'`, rune(marked[at[0]-1]))
		if !called && !part && !slices.Contains(known, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
