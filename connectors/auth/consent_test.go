package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/connectortest/oauth"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// consent begins one, on any free port.
func (b *bench) consent() *auth.Consent {
	b.t.Helper()
	c, err := auth.NewConsent(b.settings(auth.AuthorizationCode, ""), b.env(), web.Options{}, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

// browser is a browser that follows no redirection by itself.
func browser() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// visit asks for a page under a host name, "" for its own.
func visit(t *testing.T, address, host string) (status int, location, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	reply, err := browser().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, _ := io.ReadAll(reply.Body)
	return reply.StatusCode, reply.Header.Get("Location"), string(text)
}

type waited struct {
	answer auth.Answer
	err    error
}

func waitFor(t *testing.T, c *auth.Consent) (<-chan waited, *int) {
	out, foreign := make(chan waited, 1), new(int)
	go func() {
		a, err := c.Wait(t.Context(), func() { *foreign++ })
		out <- waited{a, err}
	}()
	return out, foreign
}

func TestConsent(t *testing.T) {
	for name, edit := range map[string]func(*auth.Settings){
		"basic": func(*auth.Settings) {},
		"body":  func(s *auth.Settings) { s.Client = "body" },
		"public": func(s *auth.Settings) {
			s.ClientID, s.ClientSecret = document.NewSecret("ID", oauth.PublicClient), document.Secret{}
		},
	} {
		b := newBench(t)
		b.edit = edit
		c := b.consent()
		answer, _ := waitFor(t, c)
		_, back, _ := visit(t, c.URL(), "")
		back += "&company=R9&id_token=x.y.z&session_state=s&where=" + url.QueryEscape("a\nb") + "&why=" + strings.Repeat("w", 200)
		if status, _, body := visit(t, back, ""); status != 200 || !strings.Contains(body, "you may close this page") || strings.Contains(body, "code") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		w := <-answer
		if w.err != nil {
			t.Fatalf("%s: %v", name, w.err)
		}
		got, err := c.Finish(t.Context(), w.answer)
		if err != nil || got.Scope != "accounting offline_access" || got.Missing != "" || got.Once || got.Also["realmId"] != "4620816365" || got.Also["company"] != "R9" || len(got.Also) != 2 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if !b.vault.holds(b.Counts().LastIssued) {
			t.Errorf("%s: the token is not kept", name)
		}
		b.clock.add(2 * time.Hour)
		signer, err := auth.New(b.settings(auth.AuthorizationCode, ""), b.env(), web.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sign(signer); err != nil || b.Counts().Given["refresh_token"] != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.Finish(t.Context(), w.answer); !errors.Is(err, auth.ErrConsent) {
			t.Errorf("%s: a code is taken twice: %v", name, err)
		}
	}
}

// What is not the answer of this consent changes nothing.
func TestForgedAnswers(t *testing.T) {
	b := newBench(t)
	c := b.consent()
	answer, foreign := waitFor(t, c)
	_, back, _ := visit(t, c.URL(), "")
	to, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	state := to.Query().Get("state")
	for what, forged := range map[string]struct {
		path, query, host string
		status            int
	}{
		"another state": {"/callback", "code=x&state=" + strings.Repeat("A", len(state)), "", 400},
		"no state":      {"/callback", "code=x", "", 400},
		"two states":    {"/callback", "code=x&state=x&state=" + state, "", 400},
		"no code":       {"/callback", "state=" + state, "", 400},
		"a false error": {"/callback", "error=access_denied&state=x", "", 400},
		"another host":  {"/callback", to.RawQuery, "evil.example.com", 403},
		"rebinding":     {"/callback", to.RawQuery, "evil.example.com:" + to.Port(), 403},
		"localhost":     {"/callback", to.RawQuery, "localhost:" + to.Port(), 403},
		"another path":  {"/", to.RawQuery, "", 404},
		"an icon":       {"/favicon.ico", "", "", 404},
	} {
		if status, _, _ := visit(t, "http://"+to.Host+forged.path+"?"+forged.query, forged.host); status != forged.status {
			t.Errorf("%s: status %d", what, status)
		}
	}
	if status, _, _ := visit(t, back, ""); status != 200 {
		t.Errorf("the answer itself: %d", status)
	}
	if w := <-answer; w.err != nil || *foreign != 5 {
		t.Errorf("%v, %d of others", w.err, *foreign)
	}
	if _, err := browser().Get(back); err == nil {
		t.Error("it still listens")
	}
}

func TestConsentThatIsNotGiven(t *testing.T) {
	b := newBench(t)
	b.Deny("access_denied")
	c := b.consent()
	answer, _ := waitFor(t, c)
	_, back, _ := visit(t, c.URL(), "")
	visit(t, back, "")
	b.wants((<-answer).err, auth.ErrConsent, "was not given: access_denied")

	// Nobody comes.
	c = b.consent()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Wait(ctx, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}

	// Somebody else keeps coming.
	c = b.consent()
	answer, _ = waitFor(t, c)
	for range 20 {
		visit(t, c.Redirect()+"?state=x&code=y", "")
	}
	b.wants((<-answer).err, connectors.ErrEnvironment, "20 answers came that do not belong")
}

func TestPasted(t *testing.T) {
	b := newBench(t)
	b.edit = func(s *auth.Settings) { s.Redirect = text("https://books.example.com/back") }
	c := b.consent()
	if c.Waits() {
		t.Error("it waits for another host")
	}
	_, back, _ := visit(t, c.URL(), "")
	for _, wrong := range []string{"", "x", "https://books.example.com/back", "https://books.example.com/back?code=x&state=y"} {
		if _, err := c.Pasted(wrong); !errors.Is(err, auth.ErrForeign) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	a, err := c.Pasted("  " + back + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Finish(t.Context(), a); err != nil {
		t.Error(err)
	}
	b.edit = func(s *auth.Settings) { s.Redirect = text("urn:ietf:wg:oauth:2.0:oob") }
	if c = b.consent(); !strings.Contains(c.URL(), "redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob&") {
		t.Error(c.URL())
	}
	if _, err := c.Pasted("bare-code_1"); err != nil {
		t.Error(err)
	}
}

// A server without refresh tokens is told of, and the consent ends with the
// access token.
func TestConsentWithoutRefreshToken(t *testing.T) {
	b := newBench(t)
	c := b.consent()
	_, back, _ := visit(t, c.URL(), "")
	b.After(func(r *oauth.Reply) { delete(r.Body, "refresh_token"); r.Body["scope"] = "accounting" })
	a, err := c.Pasted(back)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), a)
	if err != nil || !got.Once || got.Missing != "offline_access" || got.Ends.Sub(b.clock.now()) < 59*time.Minute {
		t.Errorf("%+v %v", got, err)
	}
	signer, err := auth.New(b.settings(auth.AuthorizationCode, ""), b.env(), web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign(signer); err != nil {
		t.Error(err)
	}
	b.clock.add(2 * time.Hour)
	_, err = sign(signer)
	b.wants(err, auth.ErrConsent, "run `tieout connect books`")
}

func TestRedirects(t *testing.T) {
	b := newBench(t)
	for address, words := range map[string]string{
		"http://books.example.com/back": "http on this machine, or https", "ftp://localhost/": "http on this machine", "callback": "no address",
		"http://localhost/#x": "no address", "http://me@localhost/": "no address",
	} {
		b.edit = func(s *auth.Settings) { s.Redirect = text(address) }
		if _, err := auth.NewConsent(b.settings(auth.AuthorizationCode, ""), b.env(), web.Options{}, 0); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", address, err)
		}
	}
	b.edit = func(s *auth.Settings) { s.Redirect = text("http://localhost/back?x=1") }
	c := b.consent()
	if got := c.Redirect(); !strings.HasPrefix(got, "http://localhost:") || !strings.HasSuffix(got, "/back?x=1") {
		t.Error(got)
	}
}
