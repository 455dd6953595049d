package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// Variable is the environment variable that holds the key.
const Variable = "TIEOUT_KEY"

// key seals with the first of its identities and opens with any, so that a new
// key can be put above the old one.
type key struct {
	recipient  age.Recipient
	identities []age.Identity
	from       string // where it came from, for messages
}

// load reads the key; nil when there is none.
func (o *Options) load() (*key, error) {
	if text, set := o.Getenv(Variable); set && text != "" {
		return o.parse(text, Variable)
	}
	f, err := os.Open(o.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s cannot be read: %w", ErrKey, o.KeyFile, errors.Unwrap(err))
	}
	defer f.Close()
	if err := guarded(f); err != nil {
		return nil, fmt.Errorf("%w %s %w", ErrKey, o.KeyFile, err)
	}
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("%w %s cannot be read: %w", ErrKey, o.KeyFile, err)
	}
	return o.parse(string(text), o.KeyFile)
}

// guarded reports a file that others may read or change.
func guarded(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("cannot be looked at: %w", errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return errors.New("is no regular file")
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("may be read by others (mode %04o); it is refused until you have run `chmod 600 %s`, and if others may have seen it, make a new one", info.Mode().Perm(), f.Name())
	case !owned(info):
		return errors.New("belongs to another user; give it to the one who runs tieout")
	}
	return nil
}

const secretKey = "AGE-SECRET-KEY-"

// leastPassphrase is how long a passphrase is at least, in bytes.
const leastPassphrase = 8

// parse reads a key of age, several one a line, or a passphrase.
func (o *Options) parse(text, from string) (*key, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, secretKey) {
		if len(text) < leastPassphrase {
			return nil, fmt.Errorf("%w in %s is shorter than %d characters; a passphrase of several words is good, a key of age-keygen better", ErrKey, from, leastPassphrase)
		}
		p, err := newPassphrase(text, o.Project)
		if err != nil {
			return nil, fmt.Errorf("%w in %s cannot be used: %w", ErrKey, from, err)
		}
		return &key{recipient: p, identities: []age.Identity{p}, from: from}, nil
	}
	identities, err := age.ParseIdentities(strings.NewReader(text)) // its error may quote the key
	if err != nil {
		return nil, fmt.Errorf("%w in %s is no whole key of age: AGE-SECRET-KEY-1… as age-keygen writes it", ErrKey, from)
	}
	k := &key{identities: identities, from: from}
	switch first := identities[0].(type) {
	case *age.X25519Identity:
		k.recipient = first.Recipient()
	case *age.HybridIdentity:
		k.recipient = first.Recipient()
	default:
		return nil, fmt.Errorf("%w in %s is of a kind that nothing can be sealed with", ErrKey, from)
	}
	return k, nil
}

// make writes a new key, unless another process was first or something is
// sealed with one that is gone.
func (o *Options) make(sealed bool) (*key, error) {
	if sealed {
		return nil, fmt.Errorf("%w that the kept tokens were sealed with is gone: bring it back as %s or as the variable %s (a second machine needs the key of the first)", ErrKey, o.KeyFile, Variable)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	dir := filepath.Dir(o.KeyFile)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "# The key of this project's kept tokens. Keep a copy in a safe place, and out of version control.\n%s\n", id)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	if err := os.Link(f.Name(), o.KeyFile); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("%w cannot be made: %w", ErrKey, err)
	}
	return o.load()
}
