package place

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/tieout/tieout/connectors"
)

// sshConfig says who we are and which server we take for the one we mean.
func (s *Settings) sshConfig(address string) (*ssh.ClientConfig, error) {
	c := &ssh.ClientConfig{User: s.User, ClientVersion: "SSH-2.0-tieout"}
	if s.PrivateKey.Given() {
		signer, err := s.signer()
		if err != nil {
			return nil, err
		}
		c.Auth = append(c.Auth, ssh.PublicKeys(signer))
	}
	if s.Password.Given() {
		password := s.Password
		c.Auth = append(c.Auth, ssh.PasswordCallback(func() (string, error) { return password.Reveal(), nil }),
			ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = password.Reveal()
				}
				return answers, nil
			}))
	}
	known, err := s.knownHosts()
	if err != nil {
		return nil, err
	}
	c.HostKeyCallback = known
	c.HostKeyAlgorithms = algorithms(known, address)
	return c, nil
}

// signer reads the private key. Errors of its parser quote nothing of it.
func (s *Settings) signer() (ssh.Signer, error) {
	text, err := s.fileOr(s.PrivateKey.Reveal(), "-----BEGIN")
	if err != nil {
		return nil, fmt.Errorf("%w: private_key is neither a key (-----BEGIN …) nor a file that can be read", connectors.ErrConfig)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if !s.Passphrase.Given() {
			return nil, fmt.Errorf("%w: private_key is locked; write its passphrase under passphrase", connectors.ErrConfig)
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(s.Passphrase.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("%w: passphrase does not unlock private_key", connectors.ErrConfig)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: private_key holds no private key that can be read (OpenSSH or PEM)", connectors.ErrConfig)
	}
	return signer, nil
}

// knownHosts reads the keys of servers. There is no way around them.
func (s *Settings) knownHosts() (ssh.HostKeyCallback, error) {
	text, err := s.fileOr(s.KnownHosts, "\n", " ssh-", " ecdsa-", " sk-")
	if err != nil {
		return nil, fmt.Errorf("%w: known_hosts: %s", connectors.ErrConfig, err.Error()) // as text: no file of the stream is missing
	}
	file, err := os.CreateTemp("", "known-hosts-*") // the parser reads files alone
	if err != nil {
		return nil, environment(err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, environment(err)
	}
	known, err := knownhosts.New(file.Name())
	if err != nil {
		return nil, fmt.Errorf("%w: known_hosts is not as OpenSSH writes it: %s", connectors.ErrConfig, strings.ReplaceAll(err.Error(), file.Name(), "line"))
	}
	return known, nil
}

// algorithms are those of the keys that are known of a server: it is asked for
// the key that can be checked.
func algorithms(known ssh.HostKeyCallback, address string) []string {
	var found *knownhosts.KeyError
	if err := known(address, &net.TCPAddr{IP: net.IPv4zero}, noKey{}); !errors.As(err, &found) {
		return nil
	}
	var list []string
	for _, k := range found.Want {
		if kind := k.Key.Type(); kind == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			list = append(list, kind)
		}
	}
	return list
}

// noKey is a key that no server has.
type noKey struct{}

// Type names no algorithm.
func (noKey) Type() string { return "none" }

// Marshal gives nothing.
func (noKey) Marshal() []byte { return []byte("none") }

// Verify never succeeds.
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// explainSSH says why a server did not let us in.
func explainSSH(shown, user string, err error) error {
	var unknown *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return fmt.Errorf("%w: auth.refused: %s shows a key that known_hosts marks as revoked", connectors.ErrEnvironment, shown)
	case errors.As(err, &unknown) && len(unknown.Want) == 0:
		return fmt.Errorf("%w: auth.refused: %s is not in known_hosts; ask its owner for its key, and add the line that ssh-keyscan prints once it agrees", connectors.ErrEnvironment, shown)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: auth.refused: %s shows another key than known_hosts has (%s): it was set up anew, or somebody stands between; nothing was sent", connectors.ErrEnvironment, shown, ssh.FingerprintSHA256(unknown.Want[0].Key))
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("%w: auth.refused: %s does not let %s in; see user, private_key and password", connectors.ErrEnvironment, shown, user)
	case strings.Contains(err.Error(), "no common algorithm"):
		return fmt.Errorf("%w: %s and this program have no way in common: %w", connectors.ErrEnvironment, shown, err)
	}
	return fmt.Errorf("reach %s: %w: %w", shown, errBroken, err)
}
