package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// shelf is a vault in memory.
type shelf struct {
	mu   sync.Mutex
	kept map[string][]byte
	turn map[string]chan struct{}
	full error // of keeping
}

func newShelf() *shelf { return &shelf{kept: map[string][]byte{}, turn: map[string]chan struct{}{}} }

func (v *shelf) Update(ctx context.Context, name string, fn func(context.Context, []byte) ([]byte, error)) error {
	v.mu.Lock()
	if v.turn[name] == nil {
		v.turn[name] = make(chan struct{}, 1)
	}
	turn := v.turn[name]
	v.mu.Unlock()
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	v.mu.Lock()
	old := v.kept[name]
	v.mu.Unlock()
	next, err := fn(ctx, old)
	if err != nil || next == nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.full != nil && !strings.HasSuffix(name, "intent") {
		return v.full
	}
	v.kept[name] = next
	return nil
}

// holds reports whether a token is kept.
func (v *shelf) holds(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, kept := range v.kept {
		if bytes.Contains(kept, []byte(token)) {
			return true
		}
	}
	return false
}

// bench is a token server with a client of it.
type bench struct {
	*oauth.Server
	t     *testing.T
	vault *shelf
	clock *clock
	log   bytes.Buffer
	edit  func(*auth.Settings)
}

func newBench(t *testing.T) *bench {
	return &bench{Server: oauth.New(t), t: t, vault: newShelf(), clock: newClock(), edit: func(*auth.Settings) {}}
}

func (b *bench) env() connectors.Env {
	return connectors.Env{Now: b.clock.now, Vault: b.vault, Name: "books", Log: slog.New(slog.NewTextHandler(&b.log, nil))}
}

func (b *bench) settings(grant, seed string) auth.Settings {
	s := auth.Settings{Kind: auth.OAuth2, Grant: grant, TokenURL: text(b.URL + "/token"), AuthorizeURL: text(b.URL + "/authorize"),
		ClientID: document.NewSecret("ID", oauth.Client), ClientSecret: document.NewSecret("SECRET", oauth.Secret),
		Scopes: []document.Text{text("accounting"), text("offline_access")}}
	if seed != "" {
		s.Refresh = document.NewSecret("SEED", seed)
	}
	b.edit(&s)
	return s
}

// signer is that of a process of its own.
func (b *bench) signer(seed string) *auth.Signer {
	b.t.Helper()
	s, err := auth.New(b.settings(auth.RefreshToken, seed), b.env(), web.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(s.Close)
	return s
}

func sign(s *auth.Signer) (http.Header, error) {
	h := http.Header{}
	return h, s.Sign(context.Background(), h, url.Values{})
}

// wants checks what a failed signature says, and that it shows no secret.
func (b *bench) wants(err error, kind error, words string) {
	b.t.Helper()
	if !errors.Is(err, kind) || !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(fmt.Sprint(err), words) {
		b.t.Errorf("got %v, want %v with %q", err, kind, words)
	}
	shown := fmt.Sprintf("%v %+v %#v %s", err, err, err, b.log.String())
	for _, secret := range []string{oauth.Secret, url.QueryEscape(oauth.Secret), b.Counts().LastIssued} {
		if secret != "" && strings.Contains(shown, secret) {
			b.t.Errorf("a secret is shown: %s", shown)
		}
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	one, two := b.signer(seed), b.signer(seed)
	first, err := sign(one)
	if err != nil {
		t.Fatal(err)
	}
	if !b.vault.holds(b.Counts().LastIssued) || b.vault.holds(seed) {
		t.Error("the vault does not hold the newest token alone")
	}
	if other, err := sign(two); err != nil || other.Get("Authorization") != first.Get("Authorization") {
		t.Errorf("another process asks for itself: %v", err)
	}
	for range 5 { // each uses the token that the other one left
		one, two = two, one
		b.clock.add(2 * time.Hour)
		if _, err := sign(one); err != nil {
			t.Fatal(err)
		}
	}
	if c := b.Counts(); c.Given["refresh_token"] != 6 || c.Reused+c.Unknown > 0 || !b.vault.holds(c.LastIssued) {
		t.Errorf("%+v", c)
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	one, two := b.signer(seed), b.signer(seed)
	used, err := sign(one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign(two); err != nil {
		t.Fatal(err)
	}
	if !one.Refresh(used) || !two.Refresh(used) {
		t.Error("there is no other token")
	}
	a, errA := sign(one)
	z, errZ := sign(two)
	if errA != nil || errZ != nil || a.Get("Authorization") == used.Get("Authorization") || z.Get("Authorization") != a.Get("Authorization") {
		t.Errorf("%v %v", errA, errZ)
	}
	if c := b.Counts(); c.Given["refresh_token"] != 2 {
		t.Errorf("%+v", c)
	}
}

// What passes takes no token away, and is not final.
func TestTransientErrorsKeepTheToken(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"503":    func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true },
		"429":    func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(429); return true },
		"a cut":  func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		"a page": func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true },
		"500 grant?": func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(500)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return true
		},
	} {
		b := newBench(t)
		seed := b.Seed(t)
		s := b.signer(seed)
		b.Before(fault)
		for range 2 {
			_, err := sign(s)
			if auth.Final(err) {
				t.Errorf("%s is final", name)
			}
			b.wants(err, connectors.ErrEnvironment, "the refresh token is kept")
		}
		b.Before(nil)
		if _, err := sign(s); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
		if c := b.Counts(); c.Reused+c.Unknown > 0 || c.Given["refresh_token"] != 1 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// A client that is refused stays refused, and the token stays.
func TestARefusedClient(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	b.edit = func(s *auth.Settings) { s.ClientSecret = document.NewSecret("SECRET", "wrong "+canary) }
	_, err := sign(b.signer(seed))
	b.wants(err, auth.ErrRefused, "invalid_client")
	b.edit = func(*auth.Settings) {}
	if _, err := sign(b.signer(seed)); err != nil {
		t.Error(err)
	}
}

// When the server has spent the token and its reply is lost, a grace heals
// it, and without one the message says what happened.
func TestALostReply(t *testing.T) {
	for name, grace := range map[string]time.Duration{"with a grace": time.Hour, "without": 0} {
		b := newBench(t)
		seed := b.Seed(t)
		if _, err := sign(b.signer(seed)); err != nil {
			t.Fatal(err)
		}
		b.Grace(grace)
		b.clock.add(2 * time.Hour)
		b.After(func(r *oauth.Reply) { r.Cut = true })
		s := b.signer(seed)
		_, err := sign(s)
		b.wants(err, connectors.ErrEnvironment, "the refresh token is kept")
		b.After(nil)
		b.clock.add(time.Minute)
		_, err = sign(b.signer(seed)) // the next process
		switch {
		case grace > 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case grace > 0 && !b.vault.holds(b.Counts().LastIssued):
			t.Errorf("%s: the newest token is not kept", name)
		case grace == 0:
			b.wants(err, auth.ErrConsent, "a renewal begun at 2026-11-21 10:00:00Z broke off before its reply was kept")
			if asked := b.Counts().Asked; asked != 3 {
				t.Errorf("%s: asked %d times", name, asked)
			}
		}
	}
}

func TestNoGrant(t *testing.T) {
	b := newBench(t)
	s := b.signer("a token nobody gave " + canary)
	_, err := sign(s)
	b.wants(err, auth.ErrConsent, `give a new refresh_token under auth, then run `+"`tieout connect books`")
	asked := b.Counts().Asked
	if _, again := sign(s); fmt.Sprint(again) != fmt.Sprint(err) || b.Counts().Asked != asked {
		t.Errorf("it is tried again: %v", again)
	}
	// A new one in the settings is used then, once the kept one is dead.
	seed := b.Seed(t)
	if _, err := sign(b.signer(seed)); err != nil {
		t.Error(err)
	}
	b.vault.kept = map[string][]byte{}
	_, err = sign(b.signer(seed))
	b.wants(err, auth.ErrConsent, "withdrawn, replaced by another one, or not used for too long")
}

// A seed that was used is never sent again, whatever became of its successor.
func TestASeedIsUsedOnce(t *testing.T) {
	b := newBench(t)
	seed := b.Seed(t)
	if _, err := sign(b.signer(seed)); err != nil {
		t.Fatal(err)
	}
	b.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.FormValue("refresh_token") == seed {
			t.Error("the seed is sent again")
		}
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return true
	})
	b.clock.add(2 * time.Hour)
	_, err := sign(b.signer(seed))
	b.wants(err, auth.ErrConsent, "invalid_grant")
	b.Before(func(w http.ResponseWriter, r *http.Request) bool { // another one is tried after the kept one
		if r.FormValue("refresh_token") == "another" {
			fmt.Fprint(w, `{"access_token":"fresh","refresh_token":"next"}`)
			return true
		}
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return true
	})
	if h, err := sign(b.signer("another")); err != nil || h.Get("Authorization") != "Bearer fresh" || !b.vault.holds("next") {
		t.Errorf("%v %v", h, err)
	}
}

// A token that cannot be kept is not used, and not lost while the process
// lives.
func TestWhatCannotBeKeptIsNotUsed(t *testing.T) {
	b := newBench(t)
	s := b.signer(b.Seed(t))
	b.vault.full = fmt.Errorf("%w: no room", connectors.ErrEnvironment)
	_, err := sign(s)
	b.wants(err, connectors.ErrEnvironment, "cannot be kept, so it is not used")
	b.vault.full = nil
	if _, err := sign(s); err != nil || !b.vault.holds(b.Counts().LastIssued) {
		t.Error(err)
	}
	if c := b.Counts(); c.Given["refresh_token"] != 1 || c.Reused > 0 {
		t.Errorf("%+v", c)
	}
}
