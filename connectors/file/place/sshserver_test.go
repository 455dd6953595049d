package place_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
)

// sshServer is an SFTP server in this process, for what OpenSSH does not do
// here: passwords, other abilities, other keys.
type sshServer struct {
	port     string
	known    string // line of known_hosts
	password string
	key      ssh.PublicKey // that is let in
	asks     bool          // the password is asked for by questions
}

func newSSHKey(t *testing.T, passphrase string) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func serveSSH(t *testing.T, s *sshServer) *sshServer {
	t.Helper()
	host, _ := newSSHKey(t, "")
	config := &ssh.ServerConfig{}
	config.AddHostKey(host)
	check := func(given string) (*ssh.Permissions, error) {
		if s.password == "" || given != s.password {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}
	if s.asks {
		config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password:"}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, errors.New("no answer")
			}
			return check(answers[0])
		}
	} else if s.password != "" {
		config.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) { return check(string(given)) }
	}
	config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if s.key == nil || string(key.Marshal()) != string(s.key.Marshal()) {
			return nil, errors.New("unknown")
		}
		return nil, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	s.known = "[127.0.0.1]:" + s.port + " " + string(ssh.MarshalAuthorizedKey(host.PublicKey()))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSFTP(conn, config)
		}
	}()
	return s
}

func serveSFTP(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, asked, err := ch.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		go func() {
			defer channel.Close()
			if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
				return
			}
		}()
	}
}

// settings lead to a folder of this machine by way of the server.
func (s *sshServer) settings(folder string) place.Settings {
	return place.Settings{Path: fmt.Sprintf("sftp://ana@127.0.0.1:%s%s", s.port, folder), KnownHosts: s.known, Timeout: 5 * time.Second, Now: time.Now,
		Password: document.NewSecret("password", s.password)}
}
