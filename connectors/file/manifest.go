package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tieout/tieout/connectors"
)

// manifest stands beside a written file and is its ledger. Renaming a new
// manifest into place is the one moment a load becomes real: the data it
// names is complete on disk by then, and whoever opens the manifest next
// finishes the data's own rename if a crash prevented it.
type manifest struct {
	Format    int                            `json:"format"`
	Positions map[string]connectors.Position `json:"positions"`
	Loads     []connectors.Ledger            `json:"loads"`
	Data      *dataFile                      `json:"data,omitempty"`
}

// dataFile is the content the last load left.
type dataFile struct {
	Temp   string `json:"temp"` // name it was written under
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// keptLoads is how many ledger rows a manifest keeps; settling only ever asks
// for the last ones.
const keptLoads = 200

// place names the files of one stream.
type place struct {
	root *os.Root
	data string
}

func (p place) beside(suffix string) string {
	dir, base := path.Split(p.data)
	return dir + "." + base + ".tieout" + suffix
}

func (p place) manifest() string          { return p.beside(".json") }
func (p place) temp(loadID string) string { return p.beside("-" + loadID + ".tmp") }

// lock keeps other processes from the manifest until the result is called.
func (p place) lock() (func(), error) {
	f, err := p.root.OpenFile(p.beside(".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: lock %s: %w", connectors.ErrEnvironment, p.data, err)
	}
	return func() { f.Close() }, nil
}

// read reads the manifest and finishes what a crash interrupted.
func (p place) read() (*manifest, error) {
	m := &manifest{Format: connectors.LedgerFormat, Positions: map[string]connectors.Position{}}
	text, err := p.root.ReadFile(p.manifest())
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged: %w; put back a copy, or remove it to forget what was loaded", connectors.ErrEnvironment, p.manifest(), err)
	}
	if m.Format > connectors.LedgerFormat {
		return nil, fmt.Errorf("%w: %s was written by a newer tieout", connectors.ErrEnvironment, p.manifest())
	}
	return m, p.rollForward(m)
}

// rollForward moves data that a committed manifest names into place.
func (p place) rollForward(m *manifest) error {
	if m.Data == nil {
		return nil
	}
	_, err := p.root.Stat(m.Data.Temp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is in place already
	}
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	return p.publish(m.Data.Temp)
}

func (p place) publish(temp string) error {
	if err := p.root.Rename(temp, p.data); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	return p.syncDir()
}

// syncDir makes renames in the folder durable.
func (p place) syncDir() error {
	dir, err := p.root.Open(path.Dir(p.data))
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	defer dir.Close()
	return dir.Sync()
}

// write replaces the manifest durably.
func (p place) write(m *manifest) error {
	if len(m.Loads) > keptLoads {
		m.Loads = m.Loads[len(m.Loads)-keptLoads:]
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	temp := p.beside(".json.tmp")
	f, err := p.root.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = p.root.Rename(temp, p.manifest())
	}
	if err != nil {
		return fmt.Errorf("%w: write %s: %w", connectors.ErrEnvironment, p.manifest(), err)
	}
	return p.syncDir()
}

func (m *manifest) find(loadID string) *connectors.Ledger {
	for i := range m.Loads {
		if m.Loads[i].LoadID == loadID {
			return &m.Loads[i]
		}
	}
	return nil
}

// owner is the key of a pipeline's position.
func owner(l connectors.Load) string {
	return strings.Join([]string{l.Project, l.Environment, l.Pipeline, l.Partition}, "/")
}
