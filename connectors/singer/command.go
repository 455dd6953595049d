package singer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tieout/tieout/connectors"
)

// words are the program and its arguments.
func (c *Connection) words() ([]string, error) {
	var words []string
	for _, w := range c.Command {
		words = append(words, w.Value)
	}
	if len(words) == 1 {
		if strings.ContainsAny(words[0], "\"'|&;<>$`\\") {
			return nil, fmt.Errorf("%w: command is started without a shell; write the program and its arguments as a list", connectors.ErrConfig)
		}
		words = strings.Fields(words[0])
	}
	if len(words) == 0 || words[0] == "" {
		return nil, fmt.Errorf("%w: command names no program", connectors.ErrConfig)
	}
	return words, nil
}

// tap starts the program of a connection, with a folder for its files.
type tap struct {
	conn    *Connection
	env     connectors.Env
	folder  string
	secrets []string
}

// newTap makes the folder. What taps that were killed have left is removed.
func newTap(env connectors.Env, c *Connection) (*tap, error) {
	parent := env.Spool
	if parent != "" {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			return nil, fmt.Errorf("%w: make a folder for the tap: %w", connectors.ErrEnvironment, err)
		}
		sweep(filepath.Dir(parent))
	}
	folder, err := os.MkdirTemp(parent, "tap-"+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("%w: make a folder for the tap: %w", connectors.ErrEnvironment, err)
	}
	t := &tap{conn: c, env: env, folder: folder, secrets: c.Config.secrets()}
	for _, e := range c.Env.Entries {
		t.secrets = append(t.secrets, e.Value.Reveal())
	}
	return t, nil
}

// sweep removes the folders of taps whose process is no more.
func sweep(spool string) {
	left, _ := filepath.Glob(filepath.Join(spool, "*", "tap-*"))
	for _, folder := range left {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), "tap-"), "-")
		pid, err := strconv.Atoi(text)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			os.RemoveAll(folder)
			_ = os.Remove(filepath.Dir(folder)) // not while others use it
		}
	}
}

// Close removes the folder.
func (t *tap) Close() error {
	err := os.RemoveAll(t.folder)
	if t.env.Spool != "" {
		_ = os.Remove(t.env.Spool) // not while others use it
	}
	return err
}

// file writes a file for the tap and gives its path.
func (t *tap) file(name string, text []byte) (string, error) {
	path := filepath.Join(t.folder, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("%w: write a file for the tap: %w", connectors.ErrEnvironment, err)
	}
	return path, nil
}

// run starts the tap, hands what it prints to read, and waits for its end.
// read ends when the tap's output does.
func (t *tap) run(ctx context.Context, read func(io.Reader) error, arguments ...string) error {
	words, err := t.conn.words()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience, quiet := orElse(t.conn.Timeout.Std(), 6*time.Hour), orElse(t.conn.Idle.Std(), 15*time.Minute)
	limit := time.AfterFunc(patience, func() { cancel(errSlow) })
	defer limit.Stop()
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], arguments...)...)
	cmd.Dir, cmd.Env = t.dir(), t.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	said := &speech{tap: t}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: start the tap: %w", connectors.ErrEnvironment, err)
	}
	idle := time.AfterFunc(quiet, func() { cancel(errQuiet) })
	readErr := read(&noted{in: out, seen: func() { idle.Reset(quiet) }})
	idle.Stop()
	if readErr != nil {
		cancel(readErr)
	}
	waitErr := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whatever it started and left behind
	said.end()
	switch cause := context.Cause(ctx); {
	case readErr != nil && cause == nil, errors.Is(cause, readErr) && readErr != nil:
		return readErr
	case cause != nil:
		return cause
	case waitErr != nil:
		return fmt.Errorf("the tap %s: %s%s", filepath.Base(words[0]), ending(waitErr), said.last())
	}
	return nil
}

func orElse(given, otherwise time.Duration) time.Duration {
	if given > 0 {
		return given
	}
	return otherwise
}

// killAfter is how long a tap has to end once it is told to.
const killAfter = 5 * time.Second

var (
	errSlow  = errors.New("the tap ran longer than its timeout")
	errQuiet = errors.New("the tap printed nothing for longer than idle allows")
)

func ending(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return fmt.Sprintf("it ended with status %d", exit.ExitCode())
	}
	return err.Error()
}

func (t *tap) dir() string {
	dir := t.conn.Dir.Value
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(t.env.Dir, dir)
	}
	return dir
}

// environment is what the connection names and what programs cannot do
// without.
func (t *tap) environment() []string {
	list := []string{"TMPDIR=" + t.folder}
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ"} {
		if value, has := os.LookupEnv(name); has {
			list = append(list, name+"="+value)
		}
	}
	for _, e := range t.conn.Env.Entries {
		list = append(list, e.Key.Value+"="+e.Value.Reveal())
	}
	return list
}

// noted says that something was printed.
type noted struct {
	in   io.Reader
	seen func()
}

// Read reads on.
func (n *noted) Read(p []byte) (int, error) {
	k, err := n.in.Read(p)
	n.seen()
	return k, err
}

// Bounds of what a tap says on its error output.
const (
	mostSaid  = 500  // lines that are logged
	saidBytes = 1024 // of a line
	lastSaid  = 3    // lines that an error repeats
)

// speech takes the error output of a tap into the log, without secrets.
type speech struct {
	tap   *tap
	line  []byte
	lines int
	kept  []string
}

// Write takes what was printed.
func (s *speech) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			s.end()
		} else if len(s.line) < saidBytes {
			s.line = append(s.line, c)
		}
	}
	return len(p), nil
}

// end ends a line.
func (s *speech) end() {
	text := strings.TrimSpace(strings.ToValidUTF8(string(s.line), "?"))
	if s.line = s.line[:0]; text == "" {
		return
	}
	text = s.tap.hide(text)
	if s.kept = append(s.kept, text); len(s.kept) > lastSaid {
		s.kept = s.kept[1:]
	}
	if s.lines++; s.lines <= mostSaid && s.tap.env.Log != nil {
		s.tap.env.Log.Info("tap", "connection", s.tap.env.Name, "line", text)
	}
}

// last words what the tap said last.
func (s *speech) last() string {
	if len(s.kept) == 0 {
		return ""
	}
	return "; it said last: " + strings.Join(s.kept, " | ")
}

// hide takes secrets out of a text.
func (t *tap) hide(text string) string {
	for _, secret := range t.secrets {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, "‹secret›")
		}
	}
	return text
}

// scanLines gives each line of an output; one that is longer than the limit is
// an error.
func scanLines(in io.Reader, limit int, visit func(line []byte, number int64) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), limit+1024)
	for number := int64(1); lines.Scan(); number++ {
		if text := lines.Bytes(); len(strings.TrimSpace(string(text[:min(len(text), 64)]))) > 0 {
			if err := visit(text, number); err != nil {
				return err
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: it printed a line of more than %d bytes", errTap, limit)
	}
	return lines.Err()
}
