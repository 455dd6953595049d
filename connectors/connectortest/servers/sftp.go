package servers

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SFTPServer is the OpenSSH server the tests of sftp need.
func SFTPServer() Server {
	return Server{Name: "OpenSSH", Variable: "TIEOUT_TEST_SFTP", Remedy: "RUNLEVEL=1 apt-get install -y --no-install-recommends openssh-server", answers: greets}
}

// SFTPFolder is an empty folder of an SFTP server. The server runs on this
// machine, so that a test can look into the folder by itself.
type SFTPFolder struct {
	Host, Port string
	User       string
	Folder     string // its path, there and here
	PrivateKey string // path of the key the user signs in with
	KnownHosts string // path of the file that holds the server's key
}

// URL is the address of the folder.
func (f SFTPFolder) URL() string {
	return "sftp://" + f.User + "@" + net.JoinHostPort(f.Host, f.Port) + f.Folder
}

// SFTP gives a folder of the test's own, in the way Postgres gives a database.
func SFTP(t testing.TB) SFTPFolder {
	t.Helper()
	u, err := url.Parse(SFTPServer().base(t))
	if err != nil {
		t.Fatalf("%s is not a URL", SFTPServer().Variable)
	}
	f := SFTPFolder{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(),
		PrivateKey: u.Query().Get("private_key"), KnownHosts: u.Query().Get("known_hosts")}
	if f.Folder, err = os.MkdirTemp(u.Path, "test-"); err != nil {
		t.Fatalf("make a folder for the test: %v", err)
	}
	if err := os.Chmod(f.Folder, 0o777); err != nil { // the server runs as another user when the test is root's
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(f.Folder); err != nil {
			t.Errorf("remove the folder of the test: %v", err)
		}
	})
	return f
}

// Settings are the keys of a connection to the folder, as YAML in one line.
func (f SFTPFolder) Settings() string {
	return fmt.Sprintf("connector: file, path: %q, private_key: %q, known_hosts: %q", f.URL(), "${file:"+f.PrivateKey+"}", f.KnownHosts)
}

// Path is where a file of the folder is on this machine.
func (f SFTPFolder) Path(name string) string { return filepath.Join(f.Folder, name) }

// greets waits for the words an SSH server begins with.
func greets(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "SSH-2.0-") {
		err = fmt.Errorf("%q is no greeting of SSH", line)
	}
	return err
}
