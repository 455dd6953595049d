package servers

import (
	"bytes"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	t.Setenv(Variable, "postgres://given")
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{nil, 2, ""},
		{[]string{"--"}, 2, ""},
		{[]string{"--", "/bin/sh", "-c", "echo $" + Variable + "; exit 7"}, 7, "postgres://given\n"},
		{[]string{"/bin/sh", "-c", "cat"}, 0, "input"},
		{[]string{"--", "/no/such/program"}, 127, ""},
	} {
		var out, errs bytes.Buffer
		if code := Command(c.args, strings.NewReader("input"), &out, &errs); code != c.code || out.String() != c.out {
			t.Errorf("%q: code %d, output %q, errors %q", c.args, code, out.String(), errs.String())
		}
	}
}

// TestCluster starts a server and finds nothing of it once it is stopped.
func TestCluster(t *testing.T) {
	if programs() == "" {
		t.Skip("no PostgreSQL programs on this machine")
	}
	c, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(c.URL, "SELECT 1"); err != nil {
		t.Error(err)
	}
	c.Stop()
	if err := execute(c.URL, "SELECT 1"); err == nil {
		t.Error("the server answers after it was stopped")
	}
}
