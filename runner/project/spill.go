package project

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tieout/tieout/transforms"
)

// spillMemory is what one step may keep in memory.
const spillMemory = 64 << 20

// spill makes files for steps that outgrow memory. They have no name once
// they are open, so that a killed run leaves none behind.
type spill struct{ dir string }

func newSpill(stateDir string) spill { return spill{dir: filepath.Join(stateDir, "tmp")} }

// Memory is how much a step may keep before it spills.
func (s spill) Memory() int64 { return spillMemory }

// Create opens an empty file.
func (s spill) Create() (transforms.SpillFile, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make room to spill: %w", err)
	}
	f, err := os.CreateTemp(s.dir, "spill-*")
	if err != nil {
		return nil, fmt.Errorf("make room to spill: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("make room to spill: %w", err)
	}
	return f, nil
}
