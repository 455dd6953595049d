package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// What may be wrong with a vault. They wrap connectors.ErrEnvironment and
// carry the code auth.vault.
var (
	errVault = fmt.Errorf("%w: %s", connectors.ErrEnvironment, document.CodeAuthVault)
	// ErrKey: the key is missing, not the one that was used, or not safe.
	ErrKey = fmt.Errorf("%w: the key", errVault)
	// ErrDamaged: an entry is not as it was written.
	ErrDamaged = fmt.Errorf("%w: a kept token is damaged", errVault)
	// ErrUnkept: an entry cannot be written, or its turn cannot be had.
	ErrUnkept = errVault
)

// Backend keeps sealed entries under ids, which are safe as names of files.
type Backend interface {
	// Hold waits for the turn of an entry, calls fn with what is kept, nil
	// when nothing is, and keeps what it returns, nil to leave it. Nobody else
	// has the turn until Hold returns; what fn returned is durable when it
	// returns nil. An error of fn is returned as it is. Once fn has been
	// called, the end of ctx stops nothing.
	Hold(ctx context.Context, id string, fn func(sealed []byte) ([]byte, error)) error
	// Read gives what is kept, nil when nothing is, without a turn.
	Read(ctx context.Context, id string) ([]byte, error)
	// Any reports whether anything is kept.
	Any(ctx context.Context) (bool, error)
	Close() error
}

// Options say what a vault is made of.
type Options struct {
	Project string
	KeyFile string                                     // where the key is kept, and made when it is needed first
	Getenv  func(string) (string, bool)                // TIEOUT_KEY wins over KeyFile
	Open    func(ctx context.Context) (Backend, error) // called for each use
}

// Vault is safe for concurrent use. It opens nothing before it is used.
type Vault struct {
	options Options

	mu  sync.Mutex
	key *key
}

// New makes a vault.
func New(o Options) *Vault { return &Vault{options: o} }

var _ connectors.Vault = (*Vault)(nil)

// Update hands fn what is kept under a name and keeps what it returns, as
// connectors.Vault says. The key is there, and fits, before fn is called.
func (v *Vault) Update(ctx context.Context, name string, fn func(ctx context.Context, old []byte) ([]byte, error)) error {
	b, err := v.options.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }() // what was kept is durable by then
	return b.Hold(ctx, v.id(name), func(sealed []byte) ([]byte, error) {
		k, err := v.ready(ctx, b, sealed != nil)
		if err != nil {
			return nil, err
		}
		old, err := v.open(k, name, sealed)
		if err != nil {
			return nil, err
		}
		next, err := fn(ctx, old)
		if err != nil || next == nil {
			return nil, err
		}
		return v.seal(k, name, next)
	})
}

// Look gives what is kept under a name, nil when nothing is. It makes no file,
// no key, and waits for nobody.
func (v *Vault) Look(ctx context.Context, name string) ([]byte, error) {
	b, err := v.options.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }() // what was kept is durable by then
	sealed, err := b.Read(ctx, v.id(name))
	if err != nil || sealed == nil {
		return nil, err
	}
	k, err := v.ready(ctx, b, true)
	if err != nil {
		return nil, err
	}
	return v.open(k, name, sealed)
}

// id is the name of an entry for the backend: it says nothing of what is in
// it.
func (v *Vault) id(name string) string {
	sum := sha256.Sum256([]byte(v.label(name)))
	return fmt.Sprintf("%x", sum[:16])
}

func (v *Vault) label(name string) string { return v.options.Project + "\n" + name }

// ready gives the key. It is made when there is none and nothing was ever
// sealed.
func (v *Vault) ready(ctx context.Context, b Backend, sealed bool) (*key, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key != nil {
		return v.key, nil
	}
	k, err := v.options.load()
	if err == nil && k == nil {
		if sealed, err = anySealed(ctx, b, sealed); err == nil {
			k, err = v.options.make(sealed)
		}
	}
	v.key = k
	return k, err
}

func anySealed(ctx context.Context, b Backend, sealed bool) (bool, error) {
	if sealed {
		return true, nil
	}
	return b.Any(ctx)
}

// seal encrypts an entry together with its name.
func (v *Vault) seal(k *key, name string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, k.recipient)
	if err != nil {
		return nil, fmt.Errorf("%w: seal it: %w", ErrUnkept, err)
	}
	_, err = fmt.Fprintf(w, "%s\x00%s", v.label(name), data)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("%w: seal it: %w", ErrUnkept, err)
	}
	return out.Bytes(), nil
}

// mostEntry bounds an entry, in bytes.
const mostEntry = 1 << 20

// open decrypts an entry. Errors show nothing of it.
func (v *Vault) open(k *key, name string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), k.identities...)
	if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
		return nil, fmt.Errorf("%w in %s is not the one that the kept tokens were sealed with; bring that one back, and nothing is lost", ErrKey, k.from)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read; nothing is overwritten: bring it back from a copy, or move it away and connect again", ErrDamaged)
	}
	plain, err := io.ReadAll(io.LimitReader(r, mostEntry))
	label, data, found := bytes.Cut(plain, []byte{0})
	switch {
	case err != nil || !found:
		return nil, fmt.Errorf("%w: it was changed or cut; nothing is overwritten: bring it back from a copy, or move it away and connect again", ErrDamaged)
	case string(label) != v.label(name):
		return nil, fmt.Errorf("%w: it was sealed for another connection and put in this place; nothing is overwritten", ErrDamaged)
	}
	return data, nil
}
