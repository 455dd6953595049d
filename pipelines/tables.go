package pipelines

import (
	"sync"

	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// tableCache lets the goroutines that check files share what was learned of
// mapping tables, and asks for each table once.
type tableCache struct {
	from transforms.Tables

	mu    sync.Mutex
	known map[string]tableShape
}

type tableShape struct {
	shape *record.Shape
	err   error
}

// Tables gives the shared tables, nil when there are none. They know the
// fields of files, and read rows only when they are asked to.
func (w *Workspace) Tables() transforms.Tables {
	if w.cache == nil {
		return nil
	}
	return w.cache
}

// Shape tells the fields of a table.
func (t *tableCache) Shape(ref string) (*record.Shape, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.known[ref]; ok {
		return s.shape, s.err
	}
	shape, err := t.from.Shape(ref)
	t.known[ref] = tableShape{shape, err}
	return shape, err
}

// Rows reads a table; static checks never do.
func (t *tableCache) Rows(ref string) (*record.Batch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.from.Rows(ref)
}
