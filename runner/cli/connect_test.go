package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/oauth"
)

const connectProject = `tieout: 1
project: books
timezone: America/Chicago
connections:
  ledger:
    connector: http
    base_url: "${env:OAUTH_URL}"
    auth:
      kind: oauth2
      grant: authorization_code
      authorize_url: "${env:OAUTH_URL}/authorize"
      token_url: "${env:OAUTH_URL}/token"
      client_id: "${env:OAUTH_ID}"
      client_secret: "${env:OAUTH_SECRET}"
      scopes: [accounting, offline_access]
    streams:
      items: { request: { path: /items }, records: items, fields: { total: decimal } }
  warehouse: { connector: sqlite, path: warehouse.db }
`

const connectPipeline = "pipeline: items\nsource: { connection: ledger, stream: items }\nsink: { connection: warehouse, stream: items, key: [id] }\n"

// office is a project whose connection needs consent.
type office struct {
	*oauth.Server
	t   *testing.T
	dir string
	env []string
}

func newOffice(t *testing.T) *office {
	s := oauth.New(t)
	dir := writeProject(t, map[string]string{"tieout.yaml": connectProject, "items.yaml": connectPipeline})
	return &office{Server: s, t: t, dir: dir, env: []string{"OAUTH_URL=" + s.URL, "OAUTH_ID=" + oauth.Client, "OAUTH_SECRET=" + oauth.Secret}}
}

func (o *office) command(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	cmd, stdout, stderr := command(o.t, o.dir, args...)
	cmd.Env = append(cmd.Env, o.env...)
	return cmd, stdout, stderr
}

// run wants an exit code and gives all output, in which no secret may be.
func (o *office) run(exit int, args ...string) string {
	o.t.Helper()
	cmd, stdout, stderr := o.command(args...)
	got := exitCode(o.t, cmd.Run())
	out := stdout.String() + stderr.String()
	if got != exit {
		o.t.Errorf("%v exits %d, not %d\n%s", args, got, exit, out)
	}
	o.secretless(out)
	return out
}

func (o *office) secretless(out string) {
	o.t.Helper()
	for _, secret := range []string{oauth.Secret, o.Counts().LastIssued, o.Counts().LastSpent, "AGE-SECRET-KEY"} {
		if secret != "" && strings.Contains(out, secret) {
			o.t.Errorf("a secret is shown:\n%s", out)
		}
	}
}

var consentAddress = regexp.MustCompile(`^  (http\S+)$`)

// begin starts `tieout connect` and gives the address it shows; finish waits
// for its end.
func (o *office) begin(stdin io.Reader, args ...string) (address string, finish func() (int, string)) {
	o.t.Helper()
	cmd, stdout, _ := o.command(append([]string{"connect", "ledger"}, args...)...)
	cmd.Stdin = stdin
	cmd.Stderr = nil
	pipe, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for address == "" && lines.Scan() {
		if m := consentAddress.FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	return address, func() (int, string) {
		var rest strings.Builder
		for lines.Scan() {
			rest.WriteString(lines.Text() + "\n")
		}
		code := exitCode(o.t, cmd.Wait())
		out := stdout.String() + rest.String()
		o.secretless(out)
		return code, out
	}
}

// follow goes to an address as a browser does, up to the answer.
func follow(t *testing.T, address string, through bool) (last string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if last = r.URL.String(); through {
			return nil
		}
		return http.ErrUseLastResponse
	}}
	defer client.CloseIdleConnections()
	reply, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return last
}

func TestConnect(t *testing.T) {
	o := newOffice(t)
	if out := o.run(3, "run", "items"); !strings.Contains(out, "auth.consent") || !strings.Contains(out, "tieout connect ledger") {
		t.Errorf("before the consent: %s", out)
	}
	address, finish := o.begin(nil, "-o", "json")
	follow(t, address, true)
	code, out := finish()
	var got struct {
		OK      bool
		Summary struct {
			Connection, Scope string
			Consent           bool
			Also              map[string]string
		}
	}
	if start := strings.Index(out, "{"); code != 0 || start < 0 || json.NewDecoder(strings.NewReader(out[start:])).Decode(&got) != nil ||
		!got.OK || !got.Summary.Consent || got.Summary.Scope != "accounting offline_access" || got.Summary.Also["realmId"] == "" {
		t.Fatalf("connect exits %d: %s", code, out)
	}
	if out := o.run(0, "check", "ledger"); !strings.Contains(out, "OK") {
		t.Error(out)
	}
	o.run(0, "run", "items")
	if c := o.Counts(); c.Given["authorization_code"] != 1 || c.Given["refresh_token"] != 0 {
		t.Errorf("%+v", c)
	}
	o.sealed()
}

// A consent that ends soon is told of where somebody looks.
func TestConsentsThatEnd(t *testing.T) {
	o := newOffice(t)
	left := 100 * 24 * 3600
	o.After(func(r *oauth.Reply) { r.Body["x_refresh_token_expires_in"], r.Body["expires_in"] = left, 1 })
	address, finish := o.begin(nil)
	follow(t, address, true)
	if code, out := finish(); code != 0 || !strings.Contains(out, "it ends at ") {
		t.Fatal(out)
	}
	for _, soon := range []bool{false, true} {
		if soon {
			left = 3600
		}
		time.Sleep(600 * time.Millisecond) // a token that lives a second is renewed at its half
		check, status, list := o.run(0, "check", "ledger"), o.run(0, "status"), o.run(0, "status", "-o", "json")
		if strings.Contains(check, "ends soon") != soon || strings.Contains(status, "ledger  its consent ends at ") != soon || strings.Contains(list, `"consents"`) != soon {
			t.Errorf("soon %v:\n%s%s", soon, check, status)
		}
	}
}

// sealed wants no token in any file, and every file to be for its owner alone.
func (o *office) sealed() {
	o.t.Helper()
	found := 0
	err := filepath.WalkDir(filepath.Join(o.dir, ".tieout"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if path == filepath.Join(o.dir, ".tieout", "key") || strings.Contains(path, "vault") {
			if found++; info.Mode().Perm()&0o077 != 0 {
				o.t.Errorf("%s has the mode %v", path, info.Mode())
			}
		}
		if d.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(o.Counts().LastIssued)) {
			o.t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil || found < 3 {
		o.t.Errorf("%d files of the vault: %v", found, err)
	}
}

func TestConnectPasted(t *testing.T) {
	o := newOffice(t)
	in, paste := io.Pipe()
	address, finish := o.begin(in, "--no-browser")
	answer := follow(t, address, false)
	for _, line := range []string{"what?", "http://127.0.0.1/callback?code=x&state=y", answer} {
		if _, err := io.WriteString(paste, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	paste.Close()
	if code, out := finish(); code != 0 || strings.Count(out, "What was pasted is not used") != 2 {
		t.Errorf("%d %s", code, out)
	}
	// Input that ends without the answer ends the consent.
	_, finish = o.begin(strings.NewReader("http://127.0.0.1/callback?code=x&state=y\n"))
	if code, out := finish(); code != 3 || !strings.Contains(out, "no answer to this consent was pasted") {
		t.Errorf("%d %s", code, out)
	}
}

func TestConnectFails(t *testing.T) {
	o := newOffice(t)
	o.Deny("access_denied")
	address, finish := o.begin(nil)
	follow(t, address, true)
	if code, out := finish(); code != 3 || !strings.Contains(out, "was not given: access_denied") {
		t.Errorf("%d %s", code, out)
	}
	o.Deny("")
	_, finish = o.begin(nil, "--timeout", "100ms")
	if code, out := finish(); code != 3 || !strings.Contains(out, "nobody consented within 100ms") {
		t.Errorf("%d %s", code, out)
	}
	// A forged answer is not used, and the true one still is.
	address, finish = o.begin(nil)
	back := follow(t, address, false)
	forged := regexp.MustCompile(`state=[^&]*`).ReplaceAllString(back, "state=forged")
	follow(t, forged, true)
	follow(t, back, true)
	if code, out := finish(); code != 0 || !strings.Contains(out, "belongs to another consent") {
		t.Errorf("%d %s", code, out)
	}
	if o.run(2, "connect", "nothing"); !strings.Contains(o.run(2, "connect", "ledgr"), "did you mean ledger") {
		t.Error("an unknown name is not corrected")
	}
	o.run(2, "connect", "ledger", "--timeout", "soon")
}

// Keys that are not safe or do not fit are named, and nothing is overwritten.
func TestConnectKeys(t *testing.T) {
	o := newOffice(t)
	address, finish := o.begin(nil)
	follow(t, address, true)
	if code, out := finish(); code != 0 {
		t.Fatal(out)
	}
	key := filepath.Join(o.dir, ".tieout", "key")
	chmod := func(mode fs.FileMode) {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(0o640)
	if out := o.run(3, "check", "ledger"); !strings.Contains(out, "chmod 600") || !strings.Contains(out, "auth.vault") {
		t.Error(out)
	}
	chmod(0o600)
	o.env = append(o.env, "TIEOUT_KEY=another key made of words")
	if out := o.run(3, "check", "ledger"); !strings.Contains(out, "TIEOUT_KEY is not the one") {
		t.Error(out)
	}
	o.env = o.env[:len(o.env)-1]
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	if out := o.run(3, "check", "ledger"); !strings.Contains(out, "is gone: bring it back") {
		t.Error(out)
	}
	if out := o.run(3, "connect", "ledger"); !strings.Contains(out, "is gone: bring it back") || strings.Contains(out, "/authorize") {
		t.Errorf("somebody is asked to consent in vain: %s", out)
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	o.run(0, "check", "ledger")
	if c := o.Counts(); c.Given["refresh_token"] != 0 || c.Reused > 0 {
		t.Errorf("%+v", c)
	}
}

// Companies that a service keeps apart: each row of for_each consents once,
// and the tokens of one are not those of another.
func TestConnectEachRow(t *testing.T) {
	o := newOffice(t)
	for name, text := range map[string]string{
		"tieout.yaml": strings.Replace(connectProject, "      scopes:", "      consent: each\n      scopes:", 1),
		"items.yaml": "pipeline: items\nfor_each: { in: companies.csv, as: company }\n" +
			"source: { connection: ledger, stream: items }\nsink: { connection: warehouse, stream: \"items_${each:code}\", key: [id] }\n",
		"companies.csv": "code\nacme\nbeta\n",
	} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := o.run(exitConfig, "connect", "ledger"); !strings.Contains(out, "--each: acme, beta") {
		t.Errorf("the rows are not named:\n%s", out)
	}
	if out := o.run(exitConfig, "connect", "ledger", "--each", "gamma"); !strings.Contains(out, `for a row "gamma"`) {
		t.Errorf("a row that is not there:\n%s", out)
	}
	address, finish := o.begin(nil, "--no-browser", "--each", "acme")
	follow(t, address, true)
	if code, out := finish(); code != exitOK {
		t.Fatalf("exits %d\n%s", code, out)
	}
	o.run(exitOK, "run", "items.acme")
	if out := o.run(exitEnvironment, "run", "items.beta"); !strings.Contains(out, "connect ledger --each beta") {
		t.Errorf("beta is not told how to consent:\n%s", out)
	}
}
