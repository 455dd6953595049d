package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/serve"
	"github.com/tieout/tieout/runner/state"
)

// The exit code of several pipelines is the worst, in the order the help
// page gives.
func TestWorst(t *testing.T) {
	order := []int{143, 130, 3, 1, 2, 6, 4, 5, 0}
	for i, a := range order {
		for k, b := range order {
			if got := worst(a, b); got != order[min(i, k)] {
				t.Errorf("worst(%d, %d) is %d", a, b, got)
			}
		}
	}
	if !strings.Contains(exitCodesText, "143, 130, 3, 1, 2, 6, 4,\n5, 0") {
		t.Error("the help page has another order")
	}
}

func TestExitOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {usage(errors.New("x"), ""), 2}, {runner.ErrBlocked, 4}, {connectors.ErrTooManyRefused, 4},
		{connectors.ErrEnvironment, 3}, {connectors.ErrFenced, 3}, {connectors.ErrCommitUnknown, 3}, {connectors.ErrConfig, 2},
		{project.ErrNoRetry, 2}, {state.ErrLocked, 3}, {state.ErrCorrupt, 3}, {state.ErrNewer, 3}, {runner.ErrBalance, 1},
		{&connectors.MissingColumnError{}, 1}, {connectors.ErrData, 1}, {errTerminated, 143}, {state.ErrServing, 3}, {serve.ErrLost, 3}, {schedule.ErrClock, 3},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("doing: %w", err)
		}
		if got := exitOf(err); got != c.want {
			t.Errorf("%v exits %d, not %d", c.err, got, c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-1234567.5": "-1,234,567.5", "-100": "-100", "1000.1000": "1,000.1000"} {
		if got := amountText(in); got != want {
			t.Errorf("amountText(%q) is %q", in, got)
		}
	}
	for in, want := range map[string]string{"abc": "abc", "abcdefghij": "abc…hij", "a\n b": "a b"} {
		if got := short(in, 7); got != want {
			t.Errorf("short(%q) is %q", in, got)
		}
	}
	for in, want := range map[string]string{"2026-01-31T00:00:00Z": "2026-01-31T00:00:00Z", "a b": "'a b'", "it's": `'it'\''s'`, "": "''"} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%q) is %s", in, got)
		}
	}
	for in, want := range map[string]string{"Maple Court": "maple-court", "/a/b_2": "b-2", "2026": "project-2026", "…": "project"} {
		if got := projectName(in); got != want {
			t.Errorf("projectName(%q) is %q", in, got)
		}
	}
	if got := askedOutputs([]string{"run", "--x", "-o", "json", "-ondjson", "--output=sarif=a"}); !slices.Equal(got, []string{"json", "ndjson", "sarif=a"}) {
		t.Errorf("askedOutputs gives %q", got)
	}
}

func TestEdited(t *testing.T) {
	const held = `{"id":2,"rent":"-500.10","open":true,"note":null,"lines":[{"a":"1"}],"big":12345678901234567890.123}`
	for name, c := range map[string]struct{ set, want string }{
		"a text":             {"rent=750.25", `{"id":2,"rent":"750.25","open":true,"note":null,"lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"a number":           {"id=3", `{"id":3,"rent":"-500.10","open":true,"note":null,"lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"a number made text": {"id=3x", `{"id":"3x","rent":"-500.10","open":true,"note":null,"lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"no value":           {"rent=null", `{"id":2,"rent":null,"open":true,"note":null,"lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"a value for none":   {"note=5", `{"id":2,"rent":"-500.10","open":true,"note":"5","lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"a list":             {`lines=[]`, `{"id":2,"rent":"-500.10","open":true,"note":null,"lines":[],"big":12345678901234567890.123}`},
		"quotes":             {`note=<"a">`, `{"id":2,"rent":"-500.10","open":true,"note":"<\"a\">","lines":[{"a":"1"}],"big":12345678901234567890.123}`},
		"many digits":        {"big=98765432109876543210.987654321", `{"id":2,"rent":"-500.10","open":true,"note":null,"lines":[{"a":"1"}],"big":98765432109876543210.987654321}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := edited(held, []string{c.set}, ""); err != nil || got != c.want {
				t.Errorf("got %s (%v)", got, err)
			}
		})
	}
	for _, bad := range []string{"rentt=1", "rent", "=1"} {
		if got, err := edited(held, []string{bad}, ""); err == nil {
			t.Errorf("--set %s gives %s", bad, got)
		}
	}
	for _, bad := range []string{"5", "{", "{}{}", "null", `"x"`} {
		if _, err := edited(held, nil, bad); err == nil {
			t.Errorf("--record %s is taken", bad)
		}
	}
}

// Setting a field to any text leaves the other fields byte for byte.
func TestEditedKeepsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		note, err := json.Marshal(rapid.String().Draw(t, "note"))
		if err != nil {
			t.Fatal(err)
		}
		held := `{"a":"old","note":` + string(note) + `,"n":1.50}`
		got, err := edited(held, []string{"a=" + value}, "")
		if err != nil {
			t.Fatal(err)
		}
		fields, err := members(got)
		if err != nil || len(fields) != 3 {
			t.Fatalf("%s: %v", got, err)
		}
		if string(fields[1].value) != string(note) || string(fields[2].value) != "1.50" {
			t.Errorf("%s became %s", held, got)
		}
	})
}
