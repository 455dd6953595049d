package servers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Command runs a command with the variable of each kind of server set to one
// that lives as long as the command does, and returns its exit code. args may
// begin with "--".
func Command(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: run -- COMMAND [ARGUMENT...]")
		return 2
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	env := os.Environ()
	for _, server := range Servers() {
		if os.Getenv(server.Variable) != "" {
			continue
		}
		c, err := server.Start()
		if err != nil {
			fmt.Fprintf(stderr, "%v; `%s` brings it, or set %s\n", err, server.Remedy, server.Variable)
			if os.Getenv("CI") == "true" {
				return 3
			}
			env = append(env, server.missing()+"="+err.Error()) // the tests that need it say that they skip
			continue
		}
		defer c.Stop()
		env = append(env, server.Variable+"="+c.URL)
	}
	command := exec.Command(args[0], args[1:]...)
	command.Stdin, command.Stdout, command.Stderr, command.Env = stdin, stdout, stderr, env
	return supervise(command, signals, stderr)
}

// supervise passes signals on, so that the server is stopped behind the
// command and not before it.
func supervise(command *exec.Cmd, signals <-chan os.Signal, stderr io.Writer) int {
	if err := command.Start(); err != nil {
		fmt.Fprintln(stderr, err)
		return 127
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = command.Process.Signal(s)
		case err := <-done:
			var exit *exec.ExitError
			switch {
			case err == nil:
				return 0
			case errors.As(err, &exit) && exit.ExitCode() >= 0:
				return exit.ExitCode()
			}
			fmt.Fprintln(stderr, err)
			return 1
		}
	}
}
