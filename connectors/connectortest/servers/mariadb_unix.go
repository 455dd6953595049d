//go:build unix

package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// mariaProgram runs MariaDB. Its data folder is made by the server itself from
// the SQL files that come with it: the script for it needs more programs.
type mariaProgram struct{}

func (mariaProgram) packages() []string { return []string{"mariadb-server-core"} }

func (mariaProgram) signal() string { return "KILL" }

func (mariaProgram) users() []string { return []string{"mysql", "nobody"} }

// find is the path of the server, if its SQL files are there too.
func (mariaProgram) find() string {
	folders := append([]string{"/usr/sbin", "/usr/libexec"}, filepath.SplitList(os.Getenv("PATH"))...)
	for _, folder := range append(folders, "/usr/local/mysql/bin", "/opt/homebrew/bin") {
		server := filepath.Join(folder, "mariadbd")
		if executable(server) && mariaShare(server) != "" {
			return server
		}
	}
	return ""
}

// mariaShare is the folder of the SQL files of a server.
func mariaShare(server string) string {
	prefix := filepath.Dir(filepath.Dir(server))
	for _, name := range []string{"mysql", "mariadb"} {
		folder := filepath.Join(prefix, "share", name)
		if _, err := os.Stat(filepath.Join(folder, mariaTables()[0])); err == nil {
			return folder
		}
	}
	return ""
}

func mariaTables() []string {
	return []string{"mysql_system_tables.sql", "mysql_performance_tables.sql"}
}

// mariaOptions keep a test server small, and leave out what a power cut needs.
func mariaOptions(folder string) []string {
	return []string{"--no-defaults", "--datadir=" + filepath.Join(folder, "data"), "--innodb-log-file-size=32M",
		"--innodb-buffer-pool-size=128M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"}
}

func (mariaProgram) prepare(server, folder, password string, as *syscall.SysProcAttr) error {
	script := []string{"CREATE DATABASE mysql;\nUSE mysql;"}
	for _, name := range mariaTables() {
		text, err := os.ReadFile(filepath.Join(mariaShare(server), name))
		if err != nil {
			return err
		}
		script = append(script, string(text))
	}
	script = append(script, "FLUSH PRIVILEGES;", "CREATE USER tieout@'%' IDENTIFIED BY '"+password+"';",
		"GRANT ALL PRIVILEGES ON *.* TO tieout@'%' WITH GRANT OPTION;", "CREATE DATABASE tieout;", "")
	data := filepath.Join(folder, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if as.Credential != nil {
		if err := os.Chown(data, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			return err
		}
	}
	boot := exec.Command(server, append(mariaOptions(folder), "--bootstrap")...)
	boot.SysProcAttr, boot.Dir, boot.Env = as, folder, environment(folder)
	boot.Stdin = strings.NewReader(strings.Join(script, "\n"))
	if out, err := boot.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadbd --bootstrap: %w: %s", err, out)
	}
	return nil
}

func (mariaProgram) serve(server, folder, port string) []string {
	return append(append([]string{server}, mariaOptions(folder)...), "--bind-address=127.0.0.1", "--port="+port,
		"--socket="+filepath.Join(folder, "socket"), "--pid-file="+filepath.Join(folder, "pid"), "--skip-name-resolve", "--performance-schema=off")
}

func (mariaProgram) container() image {
	return image{name: "mariadb:10.11", port: "3306/tcp", password: "MARIADB_ROOT_PASSWORD", user: "root"}
}

func (mariaProgram) address(user, password, host string) string {
	return "mysql://" + user + ":" + password + "@" + host + "/"
}
