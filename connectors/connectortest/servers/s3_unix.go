//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// s3Program runs a gateway that keeps objects in a folder. It is built once,
// into the cache folder of the user.
type s3Program struct{}

func (s3Program) packages() []string { return nil }

func (s3Program) signal() string { return "TERM" }

func (s3Program) users() []string { return nil }

// built is where the gateway of the pinned version is kept.
func (s3Program) built() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(s3Gateway, "@")
	return filepath.Join(cache, "tieout-test", "versitygw-"+version), nil
}

func (p s3Program) find() string {
	folder, err := p.built()
	if path := filepath.Join(folder, "versitygw"); err == nil && executable(path) {
		return path
	}
	return ""
}

// build compiles into a folder beside and renames, so that two at a time do
// not see half of it.
func (p s3Program) build() error {
	folder, err := p.built()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	fmt.Fprintln(os.Stderr, "building "+s3Gateway+" for the tests")
	command := exec.Command("go", "install", s3Gateway)
	command.Dir = fresh // outside the module
	command.Env = append(os.Environ(), "GOBIN="+fresh, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if err := os.Rename(fresh, folder); err != nil && p.find() == "" {
		return err
	}
	return nil
}

func (s3Program) prepare(_, folder, password string, _ *syscall.SysProcAttr) error {
	objects := filepath.Join(folder, "objects")
	if err := os.Mkdir(objects, 0o700); err != nil {
		return err
	}
	if err := unix.Setxattr(objects, "user.tieout", []byte("x"), 0); err != nil {
		return fmt.Errorf("the file system of %s keeps no attributes of files, which versitygw needs; set TMPDIR to a folder on one that does: %w", folder, err)
	}
	return os.WriteFile(filepath.Join(folder, "password"), []byte(password), 0o600)
}

// serve keeps what describes an object in attributes of its file, with which
// it changes at one moment; in files of their own that would be two. The
// password goes by the environment, which only its owner can read.
func (s3Program) serve(gateway, folder, port string) []string {
	return []string{"/bin/sh", "-c", `ROOT_ACCESS_KEY=tieout ROOT_SECRET_KEY=$(cat "$1/password") exec "$2" --quiet --port "127.0.0.1:$3" posix "$1/objects"`,
		"sh", folder, gateway, port}
}

func (s3Program) container() image { return image{} }

func (s3Program) address(user, password, host string) string {
	return "http://" + user + ":" + password + "@" + host
}
