package place_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
)

func open(t *testing.T, s place.Settings) place.Store {
	t.Helper()
	store, err := place.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// Who is let in, and what is said to who is not. No word of it is a secret.
func TestSignIn(t *testing.T) {
	const secret = "pässword-canary"
	signer, key := newSSHKey(t, "")
	_, stranger := newSSHKey(t, "")
	lockedSigner, locked := newSSHKey(t, secret)
	byPassword, byQuestions := serveSSH(t, &sshServer{password: secret}), serveSSH(t, &sshServer{password: secret, asks: true})
	byKey, byLocked := serveSSH(t, &sshServer{key: signer.PublicKey()}), serveSSH(t, &sshServer{key: lockedSigner.PublicKey()})
	file := filepath.Join(t.TempDir(), "id")
	os.WriteFile(file, []byte(key), 0o600)
	knownFile := filepath.Join(t.TempDir(), "known hosts")
	os.WriteFile(knownFile, []byte("# ours\n"+byKey.known), 0o600)
	hide := func(text string) document.Secret { return document.NewSecret("x", text) }
	for name, c := range map[string]struct {
		server *sshServer
		change func(*place.Settings)
		want   string // in the error, "" for none
		kind   error
	}{
		"password":             {byPassword, func(*place.Settings) {}, "", nil},
		"questions":            {byQuestions, func(*place.Settings) {}, "", nil},
		"key":                  {byKey, func(s *place.Settings) { s.Password, s.PrivateKey = document.Secret{}, hide(key) }, "", nil},
		"key in a file":        {byKey, func(s *place.Settings) { s.PrivateKey, s.Base = hide("id"), filepath.Dir(file) }, "", nil},
		"known hosts in files": {byKey, func(s *place.Settings) { s.PrivateKey, s.KnownHosts = hide(key), knownFile }, "", nil},
		"locked key":           {byLocked, func(s *place.Settings) { s.PrivateKey, s.Passphrase = hide(locked), hide(secret) }, "", nil},
		"user and port beside": {byPassword, func(s *place.Settings) { s.Path, s.User = strings.Replace(s.Path, "ana@", "", 1), "ana" }, "", nil},
		"wrong password":       {byPassword, func(s *place.Settings) { s.Password = hide(secret + "!") }, "does not let ana in", connectors.ErrEnvironment},
		"wrong key":            {byKey, func(s *place.Settings) { s.Password, s.PrivateKey = document.Secret{}, hide(stranger) }, "does not let ana in", connectors.ErrEnvironment},
		"no key":               {byKey, func(s *place.Settings) { s.PrivateKey = hide("no key " + secret) }, "private_key is neither a key", connectors.ErrConfig},
		"half a key":           {byKey, func(s *place.Settings) { s.PrivateKey = hide(key[:len(key)/2]) }, "no private key that can be read", connectors.ErrConfig},
		"no passphrase":        {byLocked, func(s *place.Settings) { s.PrivateKey = hide(locked) }, "passphrase", connectors.ErrConfig},
		"wrong passphrase":     {byLocked, func(s *place.Settings) { s.PrivateKey, s.Passphrase = hide(locked), hide("y") }, "does not unlock", connectors.ErrConfig},
		"unknown host":         {byPassword, func(s *place.Settings) { s.KnownHosts = "example.com " + strings.SplitN(s.KnownHosts, " ", 2)[1] }, "is not in known_hosts", connectors.ErrEnvironment},
		"another host key": {byPassword, func(s *place.Settings) {
			s.KnownHosts = "[127.0.0.1]:" + byPassword.port + " " + strings.SplitN(byKey.known, " ", 2)[1]
		}, "another key than known_hosts", connectors.ErrEnvironment},
		"revoked":             {byPassword, func(s *place.Settings) { s.KnownHosts = "@revoked * " + strings.SplitN(s.KnownHosts, " ", 2)[1] }, "revoked", connectors.ErrEnvironment},
		"known_hosts missing": {byPassword, func(s *place.Settings) { s.KnownHosts = "nowhere" }, "known_hosts", connectors.ErrConfig},
		"known_hosts broken":  {byPassword, func(s *place.Settings) { s.KnownHosts = "what is this" }, "known_hosts", connectors.ErrConfig},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.server.settings(t.TempDir())
			c.change(&s)
			_, err := open(t, s).Stat(context.Background(), ".")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.kind)):
				t.Errorf("error %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// A server that cannot keep what a sink promises is refused before a record
// is read, and can be read from.
func TestRefusedServers(t *testing.T) {
	s := serveSSH(t, &sshServer{password: "x"})
	for name, c := range map[string]struct {
		abilities []string
		want      string
	}{
		"all":              {[]string{"posix-rename@openssh.com", "hardlink@openssh.com"}, ""},
		"no atomic rename": {[]string{"hardlink@openssh.com"}, "posix-rename"},
		"rename replaces":  {[]string{"posix-rename@openssh.com"}, "without being asked"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := sftp.SetSFTPExtensions(c.abilities...); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sftp.SetSFTPExtensions("posix-rename@openssh.com", "hardlink@openssh.com") })
			dir := t.TempDir()
			os.WriteFile(filepath.Join(dir, "in.csv"), []byte("a\n1\n"), 0o600)
			store := open(t, s.settings(dir))
			if e, err := store.Stat(context.Background(), "in.csv"); err != nil || e.Size != 4 {
				t.Errorf("read: %v, %v", e, err)
			}
			err := store.Prepare(context.Background(), "out.csv")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, connectors.ErrConfig)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// A server that is not there is given up soon.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := serveSSH(t, &sshServer{password: "x"})
	s := server.settings(t.TempDir())
	s.Path = "sftp://ana@127.0.0.1:1/x"
	s.KnownHosts = strings.Replace(s.KnownHosts, "]:"+server.port, "]:1", 1)
	began := time.Now()
	_, err := open(t, s).List(context.Background(), ".")
	if !errors.Is(err, connectors.ErrEnvironment) || time.Since(began) > 8*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
