//go:build planted

package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/tieout/tieout/connectors"
)

// Bugs planted between the deliveries and the service. A model that did not
// find them would be worth nothing; `make soak` runs this with the build tag
// planted.

const plantedBug = "TIEOUT_PLANTED_BUG"

var bugs = []string{"a key for each attempt", "what was cut was not sent", "find finds nothing", "what broke was refused", "the version is forgotten"}

func planted(t connectors.Target) connectors.Target {
	return buggyTarget{t, os.Getenv(plantedBug)}
}

type buggyTarget struct {
	connectors.Target
	bug string
}

func (t buggyTarget) Open(ctx context.Context, load connectors.Load) (connectors.Outlet, error) {
	o, err := t.Target.Open(ctx, load)
	return &buggyOutlet{Outlet: o, bug: t.bug}, err
}

type buggyOutlet struct {
	connectors.Outlet
	bug  string
	sent int
}

func (o *buggyOutlet) Send(ctx context.Context, d connectors.Document) (connectors.Delivery, error) {
	if o.sent++; o.bug == "a key for each attempt" {
		d.IntentKey += strconv.Itoa(o.sent)
	}
	r, err := o.Outlet.Send(ctx, d)
	switch {
	case o.bug == "what was cut was not sent" && err != nil:
		err = fmt.Errorf("%w: %w", connectors.ErrNotSent, err)
	case o.bug == "what broke was refused" && r.Outcome == connectors.Unknown:
		r.Outcome = connectors.Refused
	case o.bug == "the version is forgotten":
		r.Version = ""
	}
	return r, err
}

func (o *buggyOutlet) Find(ctx context.Context, d connectors.Document) (connectors.Delivery, bool, error) {
	if o.bug == "find finds nothing" {
		return connectors.Delivery{}, false, nil
	}
	return o.Outlet.Find(ctx, d)
}

// TestPlantedBugs wants every planted bug found by the model.
func TestPlantedBugs(t *testing.T) {
	found := 0
	for _, bug := range bugs {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestModel$/^sqlite$", "-rapid.checks=100", "-rapid.nofailfile", "-test.failfast")
		cmd.Env = append(os.Environ(), plantedBug+"="+bug, "TIEOUT_SOAK=1")
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("the bug %q was not found\n%s", bug, out)
			continue
		}
		found++
	}
	text, err := json.Marshal(map[string]any{"test": "planted bugs in deliveries", "planted": len(bugs), "found": found})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(text))
}
