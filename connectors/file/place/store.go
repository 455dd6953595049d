package place

import (
	"context"
	"errors"
	"os"
)

// Store is a Folder that loads are written to. Each written file has a ledger
// beside it, a text with a version. A load is begun by Stage, written to the
// file that gives, brought to the place by Deposit, committed by a Swap of the
// ledger, and made visible by Publish, which anybody may do who reads the
// ledger later.
type Store interface {
	Folder
	Book
	Depot
}

// Book keeps the ledgers of files. Names are those of the files.
type Book interface {
	// Prepare makes the folder the file stands in. It fails with ErrConfig
	// where the place cannot keep what Swap and Publish promise.
	Prepare(ctx context.Context, name string) error
	// Claim keeps other processes from the ledger until the result is called,
	// where the place can; Swap does not need it.
	Claim(ctx context.Context, name string) (release func(), err error)
	// Ledger gives the text and its version, "" and "" when there is none.
	Ledger(ctx context.Context, name string) (text []byte, version string, err error)
	// Swap replaces the ledger if it is still of the version, at one moment
	// and durably, and gives the new version. The error is ErrStale when it is
	// another one by now; ErrUnknown when the server did not say whether the
	// swap was done and it may yet be done.
	Swap(ctx context.Context, name string, text []byte, version string) (string, error)
}

// Depot takes the contents of files.
type Depot interface {
	// Stage opens a file of this machine to write a load to, and gives the
	// parcel it becomes.
	Stage(ctx context.Context, name, load string) (*os.File, Parcel, error)
	// Deposit brings what was staged to the place, durably and seen by
	// nobody, and closes it. The parcel says afterwards how to publish it.
	Deposit(ctx context.Context, name string, staged *os.File, p *Parcel) error
	// Publish makes a parcel the file, at one moment. Once it is done it does
	// nothing, however often and however late it is called.
	Publish(ctx context.Context, name string, p Parcel) error
	// Discard removes what a load left that is not to be published.
	Discard(ctx context.Context, name string, p Parcel) error
}

// Parcel is the content a load leaves, as the ledger names it.
type Parcel struct {
	Load   string `json:"load,omitempty"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Temp is the name it was written under, in a folder of files.
	Temp string `json:"temp"`
	// Upload and Parts are a multipart upload that is not completed, in a
	// bucket; none once it is.
	Upload string   `json:"upload,omitempty"`
	Parts  []string `json:"parts,omitempty"`
}

var (
	// ErrStale says that somebody else has changed a ledger.
	ErrStale = errors.New("the ledger was changed by somebody else")
	// ErrUnknown says that a ledger may or may not have been changed.
	ErrUnknown = errors.New("the server did not say whether the ledger was changed")
)

// maxLedger bounds the text of a ledger.
const maxLedger = 64 << 20

// unnamed opens a file without a name in a folder of this machine, so that a
// killed process leaves nothing behind.
func unnamed(dir string) (*os.File, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, environment(err)
		}
	}
	f, err := os.CreateTemp(dir, "load-*")
	if err != nil {
		return nil, environment(err)
	}
	if os.Remove(f.Name()) == nil && dir != "" {
		_ = os.Remove(dir) // not while others use it
	}
	return f, nil
}
