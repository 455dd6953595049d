package vault_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/connectortest/oauth"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/runner/vault"
	"github.com/tieout/tieout/schemas/document"
)

// Variables that turn this test binary into another process of a project.
const (
	childServer = "TIEOUT_VAULT_TEST_SERVER" // where tokens are asked for
	childPlace  = "TIEOUT_VAULT_TEST_PLACE"  // the state: a folder or a PostgreSQL address
	childSeed   = "TIEOUT_VAULT_TEST_SEED"   // the refresh token of the settings
	childKill   = "TIEOUT_VAULT_TEST_KILL"   // where to die
	plantedBug  = "TIEOUT_PLANTED_BUG"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name)
	}
	if address := os.Getenv(childServer); address != "" {
		os.Exit(child(address))
	}
	os.Exit(servers.Main(m))
}

// open makes the vault of a place, which is a folder or an address.
func open(place string) *vault.Vault {
	key := filepath.Join(place, "key")
	getenv := func(string) (string, bool) { return "", false }
	if state.IsURL(place) {
		getenv = func(string) (string, bool) { return "a key made of words", true }
	}
	return vault.New(vault.Options{Project: "books", KeyFile: key, Getenv: getenv, Open: func(ctx context.Context) (vault.Backend, error) {
		if !state.IsURL(place) {
			return vault.Files{Dir: filepath.Join(place, "vault")}, nil
		}
		store, err := state.Open(ctx, place, time.Now)
		if err != nil {
			return nil, err
		}
		return store.Safe("books"), nil
	}})
}

// settings are those of a client of the token server.
func settings(address, seed string) auth.Settings {
	text := func(s string) document.Text { return document.TextAt(s, document.Position{}) }
	return auth.Settings{Kind: auth.OAuth2, Grant: auth.RefreshToken, TokenURL: text(address + "/token"), Refresh: document.NewSecret("SEED", seed),
		ClientID: document.NewSecret("ID", oauth.Client), ClientSecret: document.NewSecret("SECRET", oauth.Secret)}
}

func signer(v connectors.Vault, address, seed string) (*auth.Signer, error) {
	return auth.New(settings(address, seed), connectors.Env{Now: time.Now, Vault: v, Name: "ledger"}, web.Options{})
}

// child signs once for each line it is given, with the token of the last
// signature refused if the line says so, and answers with a line each. From
// the line "armed" on it dies where it is told to.
func child(address string) int {
	v := &deadly{Vault: planted(open(os.Getenv(childPlace)), os.Getenv(plantedBug))}
	s, err := signer(v, address, os.Getenv(childSeed))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	used := http.Header{}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "armed":
			v.at = os.Getenv(childKill)
			continue
		case "refused":
			s.Refresh(used)
		}
		used = http.Header{}
		if err := s.Sign(context.Background(), used, url.Values{}); err != nil {
			fmt.Println("failed:", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println(used.Get("Authorization"))
	}
	return 0
}

// deadly is a vault that ends the process with SIGKILL at one step of a
// renewal: before it, once the intent is kept, once the reply is received, or
// once it is kept.
type deadly struct {
	connectors.Vault
	at string
}

func (d *deadly) pass(step string) {
	if d.at == step {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (d *deadly) Update(ctx context.Context, name string, fn func(context.Context, []byte) ([]byte, error)) error {
	intent, wrote := strings.HasSuffix(name, "/intent"), false
	if !intent {
		d.pass("before")
	}
	err := d.Vault.Update(ctx, name, func(ctx context.Context, old []byte) ([]byte, error) {
		next, err := fn(ctx, old)
		if wrote = next != nil; wrote && !intent {
			d.pass("received")
		}
		return next, err
	})
	switch {
	case err == nil && wrote && intent:
		d.pass("intended")
	case err == nil && wrote:
		d.pass("kept")
	}
	return err
}

// holds reports whether a place keeps a refresh token.
func holds(t *testing.T, place, address, token string) bool {
	t.Helper()
	var kept []byte
	s := settings(address, "")
	_, _, err := auth.Look(context.Background(), &s, connectors.Env{Now: time.Now, Name: "ledger"}, func(ctx context.Context, name string) (raw []byte, err error) {
		kept, err = open(place).Look(ctx, name)
		return kept, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(kept), token)
}
