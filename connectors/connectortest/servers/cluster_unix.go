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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cluster is a running server.
type Cluster struct {
	URL    string // with a user who may do everything
	server Server
	hold   io.Closer
	done   chan struct{}
}

// keeper runs a server until its standard input ends, which it does when the
// process that holds the other end stops it or dies, however it dies. The
// first argument is a folder to remove, the second the signal that ends the
// server, the rest the server.
const keeper = `folder=$1; signal=$2; shift 2
"$@" >"$folder/log" 2>&1 &
server=$!
(while kill -0 $server 2>/dev/null; do sleep 0.2; done; kill -TERM $$ 2>/dev/null) &
watch=$!
trap 'rm -rf "$folder"; exit 1' TERM
cat >/dev/null
trap '' TERM
kill -$signal $server 2>/dev/null
wait $server
kill $watch 2>/dev/null
rm -rf "$folder"`

// program knows how to run one kind of server.
type program interface {
	// find is where its programs are, "" when they are not there.
	find() string
	// prepare makes the data folder of a server inside folder.
	prepare(found, folder, password string, as *syscall.SysProcAttr) error
	// serve is the command that runs it on a port of the loopback.
	serve(found, folder, port string) []string
	// signal ends it at once, without care for the data.
	signal() string
	// address is the URL of a server; container its image, if there is one.
	address(user, password, host string) string
	container() image
	// packages bring it to a Debian-like system; users may run it there in
	// place of root, and none means that root may.
	packages() []string
	users() []string
}

// builder is a program that is built from source where it is missing.
type builder interface {
	// build makes find succeed.
	build() error
}

// program of a kind of server.
func (s Server) program() program {
	switch s.Variable {
	case PostgreSQL().Variable:
		return postgresProgram{}
	case SFTPServer().Variable:
		return new(sshdProgram)
	case S3Server().Variable:
		return s3Program{}
	}
	return mariaProgram{}
}

// Start starts a server: from programs on this machine, in a container, or,
// as root on a Debian-like system, after installing the package.
func (s Server) Start() (*Cluster, error) {
	p := s.program()
	if found := p.find(); found != "" {
		return s.startLocal(p, found)
	}
	if engine := engine(); engine != "" && p.container().name != "" {
		return s.startContainer(p, engine)
	}
	if !s.install(p) {
		return nil, s.none()
	}
	if found := p.find(); found != "" {
		return s.startLocal(p, found)
	}
	return nil, s.none()
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// install brings the package to a Debian-like system. RUNLEVEL=1 keeps it
// from starting a server of its own.
func (s Server) install(p program) bool {
	if b, ok := p.(builder); ok {
		if err := b.build(); err != nil {
			fmt.Fprintln(os.Stderr, "build "+s.Name+" for the tests:", err)
			return false
		}
		return true
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil || os.Geteuid() != 0 {
		return false
	}
	fmt.Fprintln(os.Stderr, "installing "+s.Name+" for the tests:", s.Remedy)
	command := exec.Command("apt-get", append([]string{"install", "-y"}, p.packages()...)...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	return command.Run() == nil
}

// startLocal makes a new server in a temporary folder.
func (s Server) startLocal(p program, found string) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "tieout-server-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", s.Name, err)
	}
	c, err := s.runLocal(p, found, folder)
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return c, nil
}

func (s Server) runLocal(p program, found, folder string) (*Cluster, error) {
	attributes, err := s.other(p, folder)
	if err != nil {
		return nil, err
	}
	password := secret()
	if err := p.prepare(found, folder, password, attributes); err != nil {
		return nil, err
	}
	for range 3 {
		var c *Cluster
		if c, err = s.launch(p, found, folder, password, attributes); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// launch starts the server on a free port of the loopback.
func (s Server) launch(p program, found, folder, password string, attributes *syscall.SysProcAttr) (*Cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := exec.Command("/bin/sh", append([]string{"-c", keeper, "sh", folder, p.signal()}, p.serve(found, folder, port)...)...)
	own := *attributes
	own.Setpgid = true // an interrupt from a terminal is for the tests
	command.SysProcAttr, command.Dir, command.Env = &own, folder, environment(folder)
	c, err := s.keep(command)
	if err != nil {
		return nil, err
	}
	c.URL = p.address("tieout", password, "127.0.0.1:"+port)
	if err := c.wait(30 * time.Second); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		c.Stop()
		return nil, fmt.Errorf("start %s: %w: %s", s.Name, err, log)
	}
	return c, nil
}

// environment is all a server needs; HOME may be missing where tests run.
func environment(folder string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder, "LC_ALL=C"}
}

// keep starts a keeper.
func (s Server) keep(command *exec.Cmd) (*Cluster, error) {
	hold, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	c := &Cluster{server: s, hold: hold, done: make(chan struct{})}
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
		err := c.server.answers(c.URL)
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

// other is the user to run as: servers refuse root. The folder is given
// to that user.
func (s Server) other(p program, folder string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 || len(p.users()) == 0 {
		return new(syscall.SysProcAttr), nil
	}
	for _, name := range p.users() {
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
	return nil, fmt.Errorf("root may not run %s, and there is no user %s", s.Name, strings.Join(p.users(), " or "))
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
