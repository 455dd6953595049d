//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// postgresProgram runs PostgreSQL.
type postgresProgram struct{}

func (postgresProgram) packages() []string { return []string{"postgresql"} }

func (postgresProgram) signal() string { return "INT" }

func (postgresProgram) users() []string { return []string{"postgres", "nobody"} }

// find is the folder that holds initdb and postgres, the newest of several.
func (postgresProgram) find() string {
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

func (postgresProgram) prepare(bin, folder, password string, as *syscall.SysProcAttr) error {
	file := filepath.Join(folder, "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return err
	}
	if as.Credential != nil {
		if err := os.Chown(file, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			return err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(folder, "data"), "-U", "tieout", "-A", "scram-sha-256",
		"--pwfile", file, "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr, initdb.Dir, initdb.Env = as, folder, environment(folder)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (postgresProgram) serve(bin, folder, port string) []string {
	return []string{filepath.Join(bin, "postgres"), "-D", filepath.Join(folder, "data"), "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=128MB"}
}

func (postgresProgram) container() image {
	return image{name: "postgres:16", port: "5432/tcp", password: "POSTGRES_PASSWORD", user: "postgres"}
}

func (postgresProgram) address(user, password, host string) string {
	return "postgres://" + user + ":" + password + "@" + host + "/postgres?sslmode=disable"
}
