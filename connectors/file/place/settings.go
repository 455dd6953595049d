package place

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// Settings say where a folder is and who asks for it. Of the keys of a
// connection those count that its path needs.
type Settings struct {
	Path  string // a folder, sftp://host/folder, or s3://bucket/folder
	Base  string // the project's folder, where relative paths begin
	Spool string // where staged files are kept, "" for the system's folder

	User       string
	Password   document.Secret
	PrivateKey document.Secret
	Passphrase document.Secret
	KnownHosts string
	Port       int

	Endpoint  string
	Region    string
	AccessKey document.Secret
	SecretKey document.Secret
	Token     document.Secret
	PathStyle *bool
	CAFile    string

	Timeout time.Duration // of one wait
	Now     func() time.Time
}

// DefaultTimeout is how long a server may send nothing.
const DefaultTimeout = 30 * time.Second

// Open opens the folder for reading and writing. Servers are first asked when
// they are needed.
func Open(_ context.Context, s Settings) (Store, error) {
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	at, err := ParsePath(s.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	switch at.Scheme {
	case "sftp":
		return newSFTP(s, at)
	case "s3":
		return newS3(s, at)
	}
	return OpenLocal(s.Base, s.Path)
}

// Path is a path taken apart. Scheme is "" for a folder of this machine.
type Path struct {
	Scheme string
	User   string
	Host   string // or the bucket
	Port   string
	Folder string
}

// ParsePath takes the path of a connection apart.
func ParsePath(text string) (Path, error) {
	scheme, _, remote := strings.Cut(text, "://")
	if !remote {
		return Path{Folder: text}, nil
	}
	if scheme == "file" {
		return Path{}, fmt.Errorf("a folder of this machine is written as its path alone, such as ./data")
	}
	u, err := url.Parse(text)
	if err != nil {
		return Path{}, fmt.Errorf("the path is no URL; write sftp://host/folder or s3://bucket/folder")
	}
	p := Path{Scheme: strings.ToLower(u.Scheme), User: u.User.Username(), Host: u.Hostname(), Port: u.Port(), Folder: u.Path}
	_, password := u.User.Password()
	switch {
	case p.Scheme != "sftp" && p.Scheme != "s3":
		return Path{}, fmt.Errorf("files are not read from %s://; write a folder, sftp://host/folder or s3://bucket/folder", u.Scheme)
	case password:
		return Path{}, fmt.Errorf("the path holds a password; write it under password")
	case p.Host == "":
		return Path{}, fmt.Errorf("the path names no host or bucket; write sftp://host/folder or s3://bucket/folder")
	case u.RawQuery != "" || u.Fragment != "":
		return Path{}, fmt.Errorf("the path ends with the folder; settings have keys of their own")
	case p.Scheme == "s3" && (p.User != "" || p.Port != ""):
		return Path{}, fmt.Errorf("the path names the bucket and the folder; the server stands under endpoint, who asks under access_key")
	}
	return p, nil
}

// clean is a folder without dots and outer slashes, "" for the top.
func clean(folder string) string {
	return strings.Trim(path.Clean("/"+folder), "/")
}

// fileOr gives a setting that is either a text, which one of the marks tells,
// or the path of a file with it, relative to the project.
func (s *Settings) fileOr(text string, marks ...string) ([]byte, error) {
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			return []byte(text), nil
		}
	}
	name := text
	if rest, home := strings.CutPrefix(name, "~/"); home {
		folder, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		name = filepath.Join(folder, rest)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.Base, name)
	}
	return os.ReadFile(name)
}
