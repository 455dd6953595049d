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

// image is a server's public image.
type image struct{ name, port, password, user string }

// startContainer runs the server's public image.
func (s Server) startContainer(p program, engine string) (*Cluster, error) {
	password, image := secret(), p.container()
	command := exec.Command(engine, "run", "-d", "--rm", "-e", image.password, "-p", "127.0.0.1::"+strings.TrimSuffix(image.port, "/tcp"), image.name)
	command.Env = append(os.Environ(), image.password+"="+password)
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("start %s in a container: %w", s.Name, err)
	}
	id := firstLine(out)
	c, err := s.keep(exec.Command("/bin/sh", "-c", containerKeeper, "sh", engine, id))
	if err != nil {
		return nil, err
	}
	address, err := exec.Command(engine, "port", id, image.port).Output()
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("find the port of the container: %w", err)
	}
	c.URL = p.address(image.user, password, strings.Replace(firstLine(address), "0.0.0.0", "127.0.0.1", 1))
	if err := c.wait(60 * time.Second); err != nil {
		c.Stop()
		return nil, fmt.Errorf("wait for %s in a container: %w", s.Name, err)
	}
	return c, nil
}
