package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
)

// What only looks at files opens no socket: not to the systems the project
// names, and, where the system can be asked, none at all.
func TestNoSockets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var met atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			met.Add(1)
			conn.Close()
		}
	}()
	dir := socketProject(t, listener.Addr().String())
	given := filepath.Join(dir, "given.jsonl")
	for _, args := range [][]string{
		{"validate"}, {"validate", "--strict", "-o", "json"}, {"fmt", "--check"}, {"schema", "print", "pipeline"}, {"version"}, {"help", "exit-codes"},
		{"status"}, {"runs", "list"}, {"quarantine", "list"},
		{"run", "charges", "--dry-run", "--given", given}, {"preview", "charges", "--given", given},
	} {
		cmd, stdout, stderr := command(t, dir, args...)
		if code := exitCode(t, cmd.Run()); code != 0 {
			t.Errorf("%v exits %d\n%s%s", args, code, stdout, stderr)
		}
		if n := met.Load(); n != 0 {
			t.Fatalf("%v opened %d connections", args, n)
		}
		traced(t, dir, args)
	}
	// The listener does count: a run connects to it.
	cmd, _, _ := command(t, dir, "run", "charges")
	if code := exitCode(t, cmd.Run()); code != 3 || met.Load() == 0 {
		t.Fatalf("a run exits %d after %d connections", code, met.Load())
	}
}

func socketProject(t *testing.T, address string) string {
	t.Helper()
	dir := t.TempDir()
	url := fmt.Sprintf("postgres://u:p@%s/db?sslmode=disable&connect_timeout=2", address)
	for name, text := range map[string]string{
		"tieout.yaml": "tieout: 1\nproject: p\nconnections:\n  source: { connector: postgres, url: \"${env:SOURCE_URL:-" + url + "}\" }\n  books: { connector: postgres, url: \"${env:BOOKS_URL:-" + url + "}\" }\n",
		"charges.yaml": "pipeline: charges\nsource:\n  connection: source\n  stream: charges\n  fields: { id: integer, amount: decimal }\n" +
			"transforms:\n  - lookup:\n      in: mappings/accounts.csv\n      match: { id: id }\n      add: { account: account }\n" +
			"sink: { connection: books, stream: charges, key: [id] }\n",
		"mappings/accounts.csv": "id,account\n1,4000\n",
		"given.jsonl":           "{\"id\": 1, \"amount\": \"10.10\"}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var socketCall = regexp.MustCompile(`(?m)^.*\b(socket|connect)\(.*$`)

// traced runs a command under strace, where there is one that may.
func traced(t *testing.T, dir string, args []string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		return
	}
	out := filepath.Join(t.TempDir(), "trace")
	if exec.Command(strace, "-f", "-o", out, "true").Run() != nil {
		return
	}
	cmd, stdout, stderr := command(t, dir, args...)
	cmd.Args = append([]string{strace, "-f", "-e", "trace=socket,connect", "-o", out, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	if code := exitCode(t, cmd.Run()); code != 0 {
		t.Errorf("%v under strace exits %d\n%s%s", args, code, stdout, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if found := socketCall.FindAll(text, -1); len(found) > 0 {
		t.Errorf("%v: %s", args, found)
	}
}
