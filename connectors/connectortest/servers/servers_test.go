package servers

import (
	"bytes"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	for _, s := range Servers() {
		t.Setenv(s.Variable, "given://"+s.Name)
	}
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{nil, 2, ""},
		{[]string{"--"}, 2, ""},
		{[]string{"--", "/bin/sh", "-c", "echo $" + PostgreSQL().Variable + "; exit 7"}, 7, "given://PostgreSQL\n"},
		{[]string{"/bin/sh", "-c", "cat"}, 0, "input"},
		{[]string{"--", "/no/such/program"}, 127, ""},
	} {
		var out, errs bytes.Buffer
		if code := Command(c.args, strings.NewReader("input"), &out, &errs); code != c.code || out.String() != c.out {
			t.Errorf("%q: code %d, output %q, errors %q", c.args, code, out.String(), errs.String())
		}
	}
}

// TestCluster starts each server and finds nothing of it once it is stopped.
func TestCluster(t *testing.T) {
	for _, s := range Servers() {
		t.Run(s.Name, func(t *testing.T) {
			if s.program().find() == "" {
				t.Skip("no " + s.Name + " programs on this machine")
			}
			c, err := s.Start()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.answers(c.URL); err != nil {
				t.Error(err)
			}
			c.Stop()
			if err := s.answers(c.URL); err == nil {
				t.Error("the server answers after it was stopped")
			}
		})
	}
}
