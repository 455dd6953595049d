package cli

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/oauth"
	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// Two machines that share a PostgreSQL state share one consent, and the key.
func TestConnectShared(t *testing.T) {
	first := newOffice(t)
	shared := strings.Replace(connectProject, "project: books\n", "project: books\nstate: \"${env:STATE_URL}\"\n", 1)
	files := map[string]string{"tieout.yaml": shared, "items.yaml": connectPipeline}
	second := &office{Server: first.Server, t: t, dir: writeProject(t, files)}
	first.dir = writeProject(t, files)
	first.env = append(first.env, "STATE_URL="+servers.Postgres(t), "TIEOUT_TEST_IDS="+filepath.Join(first.dir, ".ids"), "TIEOUT_KEY=a key made of words")
	address, finish := first.begin(nil)
	follow(t, address, true)
	if code, out := finish(); code != 0 {
		t.Fatal(out)
	}
	second.env = first.env[:len(first.env)-1]
	if out := second.run(3, "check", "ledger"); !strings.Contains(out, "a second machine needs the key of the first") {
		t.Error(out)
	}
	second.env = first.env
	second.run(0, "check", "ledger")
	second.run(0, "run", "items")
	first.run(0, "run", "items")
	if c := first.Counts(); c.Given["authorization_code"] != 1 || c.Given["refresh_token"]+c.Reused+c.Unknown != 0 {
		t.Errorf("%+v", c)
	}
}

// Programs that run at the same time, while tokens live for a second, renew one after the other.
func TestRunsShareTokens(t *testing.T) {
	o := newOffice(t)
	o.After(func(r *oauth.Reply) { r.Body["expires_in"] = 1 }) // renewed at half of it
	address, finish := o.begin(nil)
	follow(t, address, true)
	if code, out := finish(); code != 0 {
		t.Fatal(out)
	}
	for range 3 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { o.run(0, "check", "ledger") })
		}
		all.Wait()
		time.Sleep(600 * time.Millisecond)
	}
	if c := o.Counts(); c.Reused+c.Unknown > 0 || c.Given["refresh_token"] < 2 || c.Given["refresh_token"] > 5 {
		t.Errorf("%+v", c)
	}
	// A token server that is down for a while costs nothing but that check.
	o.Before(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
	time.Sleep(600 * time.Millisecond)
	if out := o.run(3, "check", "ledger"); !strings.Contains(out, "status 502") || !strings.Contains(out, "the refresh token is kept") {
		t.Error(out)
	}
	o.Before(nil)
	o.run(0, "check", "ledger")
	// A consent that was withdrawn ends runs at once.
	o.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"` + oauth.Secret + `"}`))
		return true
	})
	time.Sleep(600 * time.Millisecond)
	asked := o.Counts().Asked
	if out := o.run(3, "run", "items", "-o", "json"); !strings.Contains(out, "auth.consent") || !strings.Contains(out, "tieout connect ledger") || o.Counts().Asked != asked+1 {
		t.Errorf("asked %d times: %s", o.Counts().Asked-asked, out)
	}
}
