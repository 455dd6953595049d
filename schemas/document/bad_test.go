package document

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Codes whose files are too large to keep, made by TestHostileFiles, and those
// that package pipelines finds and has files for.
func madeElsewhere() []Code {
	return []Code{CodeTooLarge, CodeTooMany, CodeSchedule, CodeHolidays, CodeCycle, CodeTimezone}
}

func testResolver(ref Reference) (string, bool, error) {
	switch {
	case ref.Scheme == "secret":
		return "s3cr3t", true, nil
	case ref.HasDefault:
		return ref.Default, false, nil
	case strings.HasPrefix(ref.Name, "MISSING"):
		return "", false, errors.New("is not set")
	case ref.Scheme == "file":
		return "", false, errors.New("no such file")
	}
	return "value of " + ref.Name, false, nil
}

// Every yaml code has a file that causes it, and the whole output is golden.
func TestBadFiles(t *testing.T) {
	for _, code := range CodesWithArea("yaml") {
		path := filepath.Join("testdata", "bad", string(code)+".yaml")
		raw, err := os.ReadFile(path)
		if err != nil {
			if !hasCode(madeElsewhere(), code) {
				t.Errorf("%s has no bad file", code)
			}
			continue
		}
		r := new(Report)
		d := &Decoder{Report: r, Resolver: ResolverFunc(testResolver)}
		for _, doc := range Parse(string(code)+".yaml", raw, r) {
			d.Decode(doc.Root, new(testPipeline))
		}
		found := r.Diagnostics()
		if !found.Has(code) {
			t.Errorf("%s does not cause its code: %v", path, found)
		}
		golden(t, filepath.Join("bad", string(code)+".golden"), describeAll(r))
	}
}

func hasCode(codes []Code, code Code) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

func describeAll(r *Report) string {
	var b strings.Builder
	for _, d := range r.Diagnostics() {
		fmt.Fprintf(&b, "%s\n", d)
		if d.Severity == Warning {
			b.WriteString("  warning\n")
		}
		if d.EndColumn > d.Column {
			if line := []rune(r.Line(d.File, d.Line)); d.EndColumn-1 <= len(line) {
				fmt.Fprintf(&b, "  marked: %s\n", string(line[d.Column-1:d.EndColumn-1]))
			}
		}
		if d.Path != "" {
			fmt.Fprintf(&b, "  path: %s\n", d.Path)
		}
		for _, h := range strings.Split(d.Hint, "\n") {
			if h != "" {
				fmt.Fprintf(&b, "  hint: %s\n", h)
			}
		}
		if d.Fix != "" {
			fmt.Fprintf(&b, "  fix: %s\n", d.Fix)
		}
	}
	return b.String()
}
