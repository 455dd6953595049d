package spool

import (
	"io"
	"sync"

	"filippo.io/age"
)

const (
	blockSize  = 64 << 10 // what is sealed together
	blockCount = 16       // kept unsealed while a part is read here and there
)

// Open reads the part here and there, from several goroutines if need be.
func (p *Part) Open() (*io.SectionReader, error) {
	in, size, err := age.DecryptReaderAt(p.stored(), p.size, p.identity())
	if err != nil {
		return nil, broken(err)
	}
	return io.NewSectionReader(&blocks{in: in, size: size}, 0, size), nil
}

// blocks keeps some blocks of a part unsealed, so that small reads do not
// unseal a block each.
type blocks struct {
	in   io.ReaderAt
	size int64
	mu   sync.Mutex
	kept [blockCount]block
}

// block is one that was read; no bytes are none.
type block struct {
	at    int64
	bytes []byte
}

// ReadAt reads from the blocks.
func (c *blocks) ReadAt(p []byte, from int64) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(p) && from+int64(n) < c.size {
		at := from + int64(n)
		b, err := c.block(at - at%blockSize)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b[at%blockSize:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// block gives the block that begins at a place.
func (c *blocks) block(at int64) ([]byte, error) {
	b := &c.kept[at/blockSize%blockCount]
	if b.at == at && len(b.bytes) > 0 {
		return b.bytes, nil
	}
	size := int(min(blockSize, c.size-at))
	if cap(b.bytes) < size {
		b.bytes = make([]byte, size)
	}
	b.at, b.bytes = at, b.bytes[:size]
	if n, err := c.in.ReadAt(b.bytes, at); n < size {
		b.bytes = b.bytes[:0]
		return nil, broken(err)
	}
	return b.bytes, nil
}
