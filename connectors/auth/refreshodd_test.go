package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/connectortest/oauth"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// Without a place to keep the next token, one that rotates is not spent.
func TestWithoutAVault(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	env := b.env()
	env.Vault = nil
	s, err := auth.New(b.settings(auth.RefreshToken, seed), env, web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := b.Counts().Asked
	_, err = sign(s)
	b.wants(err, connectors.ErrEnvironment, "no place here to keep the next one")
	if b.Counts().Asked != asked {
		t.Error("the server was asked")
	}
	no := false
	b.edit = func(s *auth.Settings) { s.Rotates = &no }
	if s, err = auth.New(b.settings(auth.RefreshToken, seed), env, web.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sign(s); err != nil {
		t.Error(err)
	}
}

// A server that gives no other refresh token means the old one to go on, and
// what it says about lives is told.
func TestRepliesOfManyKinds(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	var sent []string
	replies := []string{`{"access_token":"a1","expires_in":"3600"}`, `{"access_token":"a2","expires_in":3600,"refresh_token":"r2","scope":"accounting offline_access","x_refresh_token_expires_in":8640000}`,
		`{"access_token":"a3","refresh_token":"r3","scope":"accounting","x_refresh_token_expires_in":864000,"expires_in":60}`}
	b.Before(func(w http.ResponseWriter, r *http.Request) bool {
		sent = append(sent, r.FormValue("refresh_token"))
		fmt.Fprint(w, replies[len(sent)-1])
		return true
	})
	for i := range replies {
		if h, err := sign(b.signer(seed)); err != nil || h.Get("Authorization") != fmt.Sprintf("Bearer a%d", i+1) {
			t.Fatalf("%d: %v %v", i, h, err)
		}
		b.clock.add(time.Hour)
	}
	if strings.Join(sent, " ") != seed+" "+seed+" r2" {
		t.Errorf("sent %v", sent)
	}
	if log := b.log.String(); strings.Count(log, "took scopes away") != 1 || strings.Count(log, "ends soon") != 1 || !strings.Contains(log, "missing=offline_access") {
		t.Error(log)
	}
	kept, found, err := b.lookAt(seed)
	if err != nil || !found || !kept.Soon || !kept.Renewable || !kept.Ends.Equal(b.clock.now().Add(10*24*time.Hour-time.Hour)) {
		t.Errorf("%+v %v %v", kept, found, err)
	}
}

func (b *bench) lookAt(seed string) (auth.Kept, bool, error) {
	s := b.settings(auth.RefreshToken, seed)
	return auth.Look(context.Background(), &s, b.env(), func(_ context.Context, name string) ([]byte, error) { return b.vault.kept[name], nil })
}

// Another client never gets the tokens of the first, nor does another
// environment or connection.
func TestNamesInTheVault(t *testing.T) {
	b := newBench(t)
	if _, err := sign(b.signer(b.Seed(t))); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*auth.Settings, *connectors.Env){
		"client":      func(s *auth.Settings, _ *connectors.Env) { s.ClientID = document.NewSecret("ID", "other") },
		"server":      func(s *auth.Settings, _ *connectors.Env) { s.TokenURL = text(b.URL + "/other") },
		"connection":  func(_ *auth.Settings, e *connectors.Env) { e.Name = "other" },
		"environment": func(_ *auth.Settings, e *connectors.Env) { e.Environment = "sandbox" },
	} {
		s, env := b.settings(auth.AuthorizationCode, ""), b.env()
		edit(&s, &env)
		signer, err := auth.New(s, env, web.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sign(signer)
		b.wants(err, auth.ErrConsent, "nobody has consented to connection")
		if name == "environment" {
			b.wants(err, auth.ErrConsent, "run `tieout --env sandbox connect books`")
		}
	}
}

// The end of a run does not cut a renewal off.
func TestARenewalIsFinished(t *testing.T) {
	b := newBench(t)
	s := b.signer(b.Seed(t))
	ctx, cancel := context.WithCancel(t.Context())
	b.After(func(*oauth.Reply) { cancel() })
	if err := s.Sign(ctx, http.Header{}, url.Values{}); err != nil || !b.vault.holds(b.Counts().LastIssued) {
		t.Errorf("the renewal was cut: %v", err)
	}
	// One that waits for its turn is given up at once.
	hold := make(chan struct{})
	b.After(func(*oauth.Reply) { <-hold })
	b.clock.add(2 * time.Hour)
	var all sync.WaitGroup
	all.Go(func() { _, _ = sign(s) })
	for b.Counts().Given["refresh_token"] < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Sign(ctx, http.Header{}, url.Values{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(hold)
	all.Wait()
}

// Somebody without the turn has renewed the token meanwhile: it is looked for
// before the consent is given up.
func TestOneMoreLook(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	if _, err := sign(b.signer(seed)); err != nil {
		t.Fatal(err)
	}
	b.clock.add(2 * time.Hour)
	b.Before(func(w http.ResponseWriter, r *http.Request) bool {
		b.vault.mu.Lock()
		defer b.vault.mu.Unlock()
		for name := range b.vault.kept {
			if !strings.HasSuffix(name, "intent") {
				b.vault.kept[name] = []byte(`{"access":"theirs","refresh":"r9","obtained":"2026-11-21T10:00:00Z"}`)
			}
		}
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return true
	})
	if h, err := sign(b.signer(seed)); err != nil || h.Get("Authorization") != "Bearer theirs" {
		t.Errorf("%v %v", h, err)
	}
}

func TestLogin(t *testing.T) {
	c, n := newClock(), 0
	s := auth.NewLogin(func(_ context.Context, refused string) (string, time.Time, error) {
		if n++; n == 3 && refused != "s2" {
			t.Errorf("refused %q", refused)
		}
		return fmt.Sprintf("s%d", n), c.now().Add(time.Minute), nil
	}, c.now)
	for i, want := range []string{"s1", "s1", "s2", "s3"} {
		if i == 2 {
			c.add(2 * time.Minute)
		}
		if i == 3 {
			s.Refresh(http.Header{"Authorization": {"Bearer s2"}})
		}
		if h, err := sign(s); err != nil || h.Get("Authorization") != "Bearer "+want {
			t.Errorf("%d: %v %v", i, h, err)
		}
	}
}
