package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strconv"
	"sync"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// sftpFolder is a folder on an SFTP server. It has one connection, made when
// it is first needed and made anew when it breaks.
type sftpFolder struct {
	settings Settings
	address  string // host:port
	folder   string // on the server; relative to the user's own when it does not begin with a slash
	shown    string
	config   func() (*ssh.ClientConfig, error)

	mu      sync.Mutex
	session *session
}

// session is one connection.
type session struct {
	*sftp.Client
	wire ssh.Conn
	root string // real path of the folder
}

func (s *session) Close() {
	_ = s.wire.Close() // first: the other waits for an answer
	_ = s.Client.Close()
}

func newSFTP(s Settings, at Path) (Store, error) {
	port := at.Port
	if port == "" && s.Port > 0 {
		port = strconv.Itoa(s.Port)
	} else if port == "" {
		port = "22"
	}
	if s.User == "" {
		s.User = at.User
	}
	switch {
	case s.User == "":
		return nil, fmt.Errorf("%w: an sftp:// path needs user", connectors.ErrConfig)
	case !s.Password.Given() && !s.PrivateKey.Given():
		return nil, fmt.Errorf("%w: an sftp:// path needs private_key or password", connectors.ErrConfig)
	case s.KnownHosts == "":
		return nil, fmt.Errorf("%w: an sftp:// path needs known_hosts, the file that says which key the server has; `ssh-keyscan %s` prints its lines, to be compared with what its owner says", connectors.ErrConfig, at.Host)
	}
	f := &sftpFolder{settings: s, address: net.JoinHostPort(at.Host, port), folder: path.Clean("/" + at.Folder)}
	f.shown = "sftp://" + at.Host
	if port != "22" {
		f.shown = "sftp://" + f.address
	}
	f.shown += f.folder
	f.config = sync.OnceValues(func() (*ssh.ClientConfig, error) { return s.sshConfig(f.address) })
	return f, nil
}

// String gives sftp://host/folder.
func (f *sftpFolder) String() string { return f.shown }

// Close ends the connection.
func (f *sftpFolder) Close() { f.drop(nil) }

// drop ends a connection that is of no more use; nil is the one there is.
func (f *sftpFolder) drop(broken *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.session != nil && (broken == nil || broken == f.session) {
		f.session.Close()
		f.session = nil
	}
}

// full is the path of a name on the server.
func (f *sftpFolder) full(name string) string { return path.Join(f.folder, name) }

// do runs one exchange, again on a new connection when one breaks. It is cut
// off when the server says nothing for a while; ask calls alive when it has
// said something.
func (f *sftpFolder) do(ctx context.Context, ask func(c *session, alive func()) error) error {
	return again(ctx, lostSFTP, func(ctx context.Context) error { return f.once(ctx, ask) })
}

func (f *sftpFolder) once(ctx context.Context, ask func(c *session, alive func()) error) error {
	c, err := f.connect(ctx)
	if err != nil {
		return err
	}
	late := make(chan struct{})
	w := newWatch(f.settings.Timeout, func() { close(late); f.drop(c) })
	defer w.end()
	defer context.AfterFunc(ctx, func() { f.drop(c) })()
	err = ask(c, w.alive)
	if err != nil && lostSFTP(err) {
		f.drop(c)
	}
	select {
	case <-late:
		if err != nil {
			err = fmt.Errorf("%s did not answer in time: %w", f.shown, errBroken)
		}
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// errBroken says that a connection ended.
var errBroken = fmt.Errorf("%w: the connection broke off", connectors.ErrEnvironment)

// lostSFTP reports errors of a connection, as against answers of the server.
func lostSFTP(err error) bool {
	var network net.Error
	var number syscall.Errno
	return !errors.Is(err, connectors.ErrConfig) && (errors.Is(err, errBroken) || errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, sftp.ErrSSHFxNoConnection) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) || errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission))
}

// connect gives the connection, made anew if need be.
func (f *sftpFolder) connect(ctx context.Context) (*session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.session != nil {
		return f.session, nil
	}
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.settings.Timeout)
	defer cancel()
	conn, err := web.Dial(ctx, f.address)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", f.shown, environment(err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := f.shake(conn, config)
	if !stop() && err == nil {
		c.Close()
		err = errBroken
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	f.session = c
	return c, nil
}

// shake does what comes before the first file: keys, user, folder.
func (f *sftpFolder) shake(conn net.Conn, config *ssh.ClientConfig) (*session, error) {
	wire, channels, requests, err := ssh.NewClientConn(conn, f.address, config)
	if err != nil {
		return nil, explainSSH(f.shown, f.settings.User, err)
	}
	client, err := sftp.NewClient(ssh.NewClient(wire, channels, requests), sftp.UseConcurrentReads(true))
	if err != nil {
		_ = wire.Close()
		if lostSFTP(err) {
			return nil, fmt.Errorf("reach %s: %w: %w", f.shown, errBroken, err)
		}
		return nil, fmt.Errorf("%w: %s lets %s in and offers no SFTP: %w", connectors.ErrEnvironment, f.shown, f.settings.User, err)
	}
	root, err := client.RealPath(f.folder)
	if err != nil {
		_ = wire.Close()
		return nil, fmt.Errorf("open the folder %s: %w", f.shown, environment(err))
	}
	return &session{Client: client, wire: wire, root: root}, nil
}
