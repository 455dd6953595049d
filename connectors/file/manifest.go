package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
)

// manifest stands beside a written file and is its ledger. Replacing it is the
// one moment a load becomes real: the data it names is complete by then, and
// whoever opens the manifest next publishes the data if a crash prevented it.
type manifest struct {
	Format    int                            `json:"format"`
	Positions map[string]connectors.Position `json:"positions"`
	Loads     []connectors.Ledger            `json:"loads"`
	// Data is the content the last load left.
	Data *place.Parcel `json:"data,omitempty"`
	// Open are loads that were begun, by owner, so that what they leave
	// behind can be removed.
	Open map[string]place.Parcel `json:"open,omitempty"`

	version string // as the place knows it
}

// keptLoads is how many ledger rows a manifest keeps; settling only ever asks
// for the last ones.
const keptLoads = 200

// written is one file that is written.
type written struct {
	store place.Store
	name  string
	spool string // where what is far away is copied to
}

// read reads the manifest and finishes what a crash interrupted.
func (t written) read(ctx context.Context) (*manifest, error) {
	m, err := t.look(ctx)
	if err != nil || m.Data == nil {
		return m, err
	}
	return m, t.publish(ctx, *m.Data)
}

// look reads the manifest as it is.
func (t written) look(ctx context.Context) (*manifest, error) {
	m := &manifest{Format: connectors.LedgerFormat, Positions: map[string]connectors.Position{}}
	text, version, err := t.store.Ledger(ctx, t.name)
	if err != nil {
		return nil, err
	}
	m.version = version
	if text == nil {
		return m, nil
	}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: the ledger of %s is damaged: %w; put back a copy, or remove it to forget what was loaded", connectors.ErrEnvironment, t.name, err)
	}
	if m.Format > connectors.LedgerFormat {
		return nil, fmt.Errorf("%w: the ledger of %s was written by a newer tieout", connectors.ErrEnvironment, t.name)
	}
	if m.Positions == nil {
		m.Positions = map[string]connectors.Position{}
	}
	return m, nil
}

// publish makes a parcel the file, unless a later load has come meanwhile.
func (t written) publish(ctx context.Context, p place.Parcel) error {
	err := t.store.Publish(ctx, t.name, p)
	if err == nil || p.Load == "" {
		return err
	}
	if now, lerr := t.look(ctx); lerr == nil && now.Data != nil && now.Data.Load != p.Load {
		return nil
	}
	return err
}

// write replaces the manifest durably, if it is still the one that was read.
func (t written) write(ctx context.Context, m *manifest) error {
	if len(m.Loads) > keptLoads {
		m.Loads = m.Loads[len(m.Loads)-keptLoads:]
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	version, err := t.store.Swap(ctx, t.name, text, m.version)
	if err == nil {
		m.version = version
	}
	return err
}

// change reads the manifest, lets fn change it and writes it, again when
// others have written it meanwhile.
func (t written) change(ctx context.Context, fn func(m *manifest) (write bool, err error)) (*manifest, error) {
	release, err := t.store.Claim(ctx, t.name)
	if err != nil {
		return nil, err
	}
	defer release()
	const most = 10
	for n := 1; ; n++ {
		m, err := t.read(ctx)
		if err != nil {
			return nil, err
		}
		write, err := fn(m)
		if err != nil || !write {
			return m, err
		}
		if err = t.write(ctx, m); !errors.Is(err, place.ErrStale) || n == most {
			return m, err
		}
	}
}

func (m *manifest) find(loadID string) *connectors.Ledger {
	for i := range m.Loads {
		if m.Loads[i].LoadID == loadID {
			return &m.Loads[i]
		}
	}
	return nil
}

// last is the id of the last load, "" for none.
func (m *manifest) last() string {
	if len(m.Loads) == 0 {
		return ""
	}
	return m.Loads[len(m.Loads)-1].LoadID
}

// open notes that a load has begun, and gives what the one before left.
func (m *manifest) open(owner string, p place.Parcel) (left place.Parcel, was bool) {
	left, was = m.Open[owner]
	if m.Open == nil {
		m.Open = make(map[string]place.Parcel)
	}
	m.Open[owner] = p
	return left, was && left.Load != p.Load
}

// owner is the key of a pipeline's position.
func owner(l connectors.Load) string {
	return strings.Join([]string{l.Project, l.Environment, l.Pipeline, l.Partition}, "/")
}
