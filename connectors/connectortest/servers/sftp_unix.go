//go:build unix

package servers

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// sshdProgram runs OpenSSH without the rights of root: it lets in the user it
// runs as and nobody else, by a key made for the test.
type sshdProgram struct {
	folder string
	host   ssh.PublicKey // its own key
}

func (*sshdProgram) packages() []string {
	return []string{"--no-install-recommends", "openssh-server"}
}

func (*sshdProgram) signal() string { return "TERM" }

func (*sshdProgram) users() []string { return []string{"nobody"} }

func (*sshdProgram) find() string {
	for _, folder := range append([]string{"/usr/sbin"}, filepath.SplitList(os.Getenv("PATH"))...) {
		if path := filepath.Join(folder, "sshd"); executable(path) {
			return path
		}
	}
	return ""
}

const sshdConfig = `ListenAddress 127.0.0.1
HostKey %[1]s/host_key
AuthorizedKeysFile %[1]s/authorized_keys
PidFile none
StrictModes no
UsePAM yes
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 200
LoginGraceTime 20
Subsystem sftp internal-sftp
`

func (p *sshdProgram) prepare(_, folder, _ string, as *syscall.SysProcAttr) error {
	p.folder = folder
	host, hostKey, err := newKey()
	if err != nil {
		return err
	}
	client, clientKey, err := newKey()
	if err != nil {
		return err
	}
	p.host = host
	if err := os.Mkdir(filepath.Join(folder, "files"), 0o777); err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"host_key": hostKey, "client_key": clientKey, "authorized_keys": ssh.MarshalAuthorizedKey(client),
		"sshd_config": fmt.Appendf(nil, sshdConfig, folder)} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
	}
	if as.Credential == nil {
		return nil
	}
	var errs []error
	for _, name := range []string{"files", "host_key", "authorized_keys", "sshd_config"} {
		errs = append(errs, os.Chown(filepath.Join(folder, name), int(as.Credential.Uid), int(as.Credential.Gid)))
	}
	return errors.Join(errs...)
}

// newKey makes a key pair: the public half, and the private one as a file.
func newKey() (ssh.PublicKey, []byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, nil, err
	}
	public, err := ssh.NewPublicKey(private.Public())
	return public, pem.EncodeToMemory(block), err
}

func (p *sshdProgram) serve(sshd, folder, port string) []string {
	return []string{sshd, "-D", "-e", "-f", filepath.Join(folder, "sshd_config"), "-p", port}
}

func (*sshdProgram) container() image { return image{} }

// address writes the file of known hosts, since the port is known by then.
func (p *sshdProgram) address(_, _, host string) string {
	known := filepath.Join(p.folder, "known_hosts")
	name, port, _ := net.SplitHostPort(host)
	line := "[" + name + "]:" + port + " " + string(ssh.MarshalAuthorizedKey(p.host))
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		return "sftp:" // nothing answers there
	}
	account := "nobody"
	if u, err := user.Current(); err == nil && os.Geteuid() != 0 {
		account = u.Username
	}
	query := url.Values{"private_key": {filepath.Join(p.folder, "client_key")}, "known_hosts": {known}}
	u := url.URL{Scheme: "sftp", User: url.User(strings.TrimSpace(account)), Host: host, Path: filepath.Join(p.folder, "files"), RawQuery: query.Encode()}
	return u.String()
}
