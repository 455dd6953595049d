//go:build unix

package servers

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cluster is a running PostgreSQL server.
type Cluster struct {
	URL  string // of its database postgres, with a superuser
	hold io.Closer
	done chan struct{}
}

// keeper runs a server until its standard input ends, which it does when the
// process that holds the other end stops it or dies, however it dies. The
// first argument is a folder to remove, the rest the server.
const keeper = `folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
(while kill -0 $server 2>/dev/null; do sleep 0.2; done; kill -TERM $$ 2>/dev/null) &
watch=$!
trap 'rm -rf "$folder"; exit 1' TERM
cat >/dev/null
trap '' TERM
kill -INT $server 2>/dev/null
wait $server
kill $watch 2>/dev/null
rm -rf "$folder"`

// Start starts a server: from programs on this machine, in a container, or,
// as root on a Debian-like system, after installing the package.
func Start() (*Cluster, error) {
	if bin := programs(); bin != "" {
		return startLocal(bin)
	}
	if engine := engine(); engine != "" {
		return startContainer(engine)
	}
	if !install() {
		return nil, errNone
	}
	if bin := programs(); bin != "" {
		return startLocal(bin)
	}
	return nil, errNone
}

// programs is the folder that holds initdb and postgres, the newest of
// several, or "".
func programs() string {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	folders = append(folders, filepath.SplitList(os.Getenv("PATH"))...)
	folders = append(folders, "/usr/local/pgsql/bin", "/opt/homebrew/bin")
	for _, folder := range folders {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder
		}
	}
	return ""
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// install brings the package to a Debian-like system. RUNLEVEL=1 keeps it
// from starting a server of its own.
func install() bool {
	if _, err := os.Stat("/etc/debian_version"); err != nil || os.Geteuid() != 0 {
		return false
	}
	fmt.Fprintln(os.Stderr, "installing PostgreSQL for the tests:", Remedy)
	command := exec.Command("apt-get", "install", "-y", "postgresql")
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	return command.Run() == nil
}

// startLocal makes a new cluster in a temporary folder.
func startLocal(bin string) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "tieout-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	c, err := runLocal(bin, folder)
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return c, nil
}

func runLocal(bin, folder string) (*Cluster, error) {
	attributes, err := other(folder)
	if err != nil {
		return nil, err
	}
	password := secret()
	file := filepath.Join(folder, "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return nil, err
	}
	if attributes.Credential != nil {
		if err := os.Chown(file, int(attributes.Credential.Uid), int(attributes.Credential.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "tieout", "-A", "scram-sha-256", "--pwfile", file,
		"-E", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr, initdb.Dir, initdb.Env = attributes, folder, environment(folder)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	for range 3 {
		var c *Cluster
		if c, err = launch(bin, folder, data, password, attributes); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// launch starts the server on a free port of the loopback.
func launch(bin, folder, data, password string, attributes *syscall.SysProcAttr) (*Cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := exec.Command("/bin/sh", "-c", keeper, "sh", folder, filepath.Join(bin, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=128MB")
	own := *attributes
	own.Setpgid = true // an interrupt from a terminal is for the tests
	command.SysProcAttr, command.Dir, command.Env = &own, folder, environment(folder)
	c, err := keep(command)
	if err != nil {
		return nil, err
	}
	c.URL = "postgres://tieout:" + password + "@127.0.0.1:" + port + "/postgres?sslmode=disable"
	if err := c.wait(30 * time.Second); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		c.Stop()
		return nil, fmt.Errorf("start PostgreSQL: %w: %s", err, log)
	}
	return c, nil
}

// environment is all a server needs; HOME may be missing where tests run.
func environment(folder string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder, "LC_ALL=C"}
}

// keep starts a keeper.
func keep(command *exec.Cmd) (*Cluster, error) {
	hold, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	c := &Cluster{hold: hold, done: make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(c.done)
	}()
	return c, nil
}

// wait waits until the server answers.
func (c *Cluster) wait(limit time.Duration) error {
	until := time.Now().Add(limit)
	for {
		err := execute(c.URL, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-c.done:
			return errors.New("the server ended at once")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(until) {
			return err
		}
	}
}

// Stop ends the server and waits until it is gone.
func (c *Cluster) Stop() {
	_ = c.hold.Close()
	<-c.done
}

// other is the user to run as: PostgreSQL refuses root. The folder is given
// to that user.
func other(folder string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return new(syscall.SysProcAttr), nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			continue
		}
		if err := os.Chown(folder, uid, gid); err != nil {
			return nil, fmt.Errorf("give the folder to %s: %w", name, err)
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, errors.New("root may not run PostgreSQL, and there is no user postgres or nobody")
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func secret() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	return hex.EncodeToString(random[:])
}

// firstLine is the first line of a command's output.
func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
