package document

import (
	"regexp"
	"strings"
	"testing"
)

func TestEveryCodeHasAHelpPage(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)
	seen := make(map[Code]bool)
	for _, row := range CodeTable() {
		if seen[row.Code] || !form.MatchString(string(row.Code)) {
			t.Errorf("%s is written twice or badly", row.Code)
		}
		seen[row.Code] = true
		if row.Summary == "" || strings.HasSuffix(row.Summary, ".") {
			t.Errorf("%s: summary %q", row.Code, row.Summary)
		}
		wrong, right := strings.Index(row.Help, "\nWrong:\n\n```"), strings.Index(row.Help, "\nRight:\n\n```")
		next := strings.Index(row.Help, "\nNext: ")
		if wrong < 20 || right < wrong || next < right {
			t.Errorf("%s: the help page lacks a part", row.Code)
		}
		if got, ok := LookupCode(row.Code); !ok || got != row {
			t.Errorf("%s: lookup gives %v", row.Code, got)
		}
	}
	for _, area := range []string{"yaml", "expr", "source", "step", "rule", "gate", "sink", "state", "run", "auth", "net"} {
		if len(CodesWithArea(area)) == 0 {
			t.Errorf("area %s has no codes", area)
		}
		for name := range helpSections(area) {
			if !seen[Code(name)] {
				t.Errorf("help/%s.md explains %s, which is no code", area, name)
			}
		}
	}
	if _, ok := LookupCode("yaml.nothing"); ok {
		t.Error("found a code that is not there")
	}
}

// The YAML in the help pages must be what it says: a right example parses.
func TestHelpExamplesParse(t *testing.T) {
	block := regexp.MustCompile("(?s)Right:\n\n```yaml\n(.*?)```")
	for _, row := range CodeTable() {
		for _, m := range block.FindAllStringSubmatch(row.Help, -1) {
			r := new(Report)
			Parse("help", []byte("pipeline:\n  "+strings.ReplaceAll(strings.TrimSpace(m[1]), "\n", "\n  ")+"\n"), r)
			for _, d := range r.Diagnostics() {
				t.Errorf("%s: %s\n%s", row.Code, d, m[1])
			}
		}
	}
}

// A wrong example that is about YAML itself must cause the code it explains.
func TestHelpMistakesCauseTheirCode(t *testing.T) {
	block := regexp.MustCompile("(?s)Wrong:\n\n```yaml\n(.*?)```")
	checked := 0
	for _, code := range []Code{
		CodeYAMLSyntax, CodeUnclosedQuote, CodeUnclosedBracket, CodeTextAfterQuote, CodeColonInText, CodeMissingBlank, CodeFlowSplit,
		CodeReservedCharacter, CodeLostNot, CodeTag, CodeAnchor, CodeDuplicateKey, CodeSecondDocument, CodeEmptyDocument, CodeNotAMapping, CodeKeyNotText,
	} {
		info, _ := LookupCode(code)
		for _, m := range block.FindAllStringSubmatch(info.Help, -1) {
			checked++
			r := new(Report)
			Parse("help", []byte(m[1]), r)
			if found := r.Diagnostics(); !found.Has(code) {
				t.Errorf("%s: the wrong example gives %v", code, found)
			}
		}
	}
	if checked < 16 {
		t.Errorf("only %d examples", checked)
	}
}
