//go:build unix

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// engine is a container engine that really answers, or "".
func engine() string {
	for _, name := range []string{"docker", "podman"} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := exec.CommandContext(ctx, name, "info").Run()
		cancel()
		if err == nil {
			return name
		}
	}
	return ""
}

// containerKeeper removes the container when its standard input ends.
const containerKeeper = `cat >/dev/null; "$1" rm -f "$2" >/dev/null 2>&1`

// startContainer runs the server's public image.
func startContainer(engine string) (*Cluster, error) {
	password := secret()
	command := exec.Command(engine, "run", "-d", "--rm", "-e", "POSTGRES_PASSWORD", "-p", "127.0.0.1::5432", "postgres:16")
	command.Env = append(os.Environ(), "POSTGRES_PASSWORD="+password)
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL in a container: %w", err)
	}
	id := firstLine(out)
	c, err := keep(exec.Command("/bin/sh", "-c", containerKeeper, "sh", engine, id))
	if err != nil {
		return nil, err
	}
	address, err := exec.Command(engine, "port", id, "5432/tcp").Output()
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("find the port of the container: %w", err)
	}
	c.URL = "postgres://postgres:" + password + "@" + strings.Replace(firstLine(address), "0.0.0.0", "127.0.0.1", 1) + "/postgres?sslmode=disable"
	if err := c.wait(60 * time.Second); err != nil {
		c.Stop()
		return nil, fmt.Errorf("wait for PostgreSQL in a container: %w", err)
	}
	return c, nil
}
