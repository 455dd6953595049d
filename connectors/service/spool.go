package service

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/spool"
)

const (
	spoolPage = 4 << 20  // a page up to this is kept in memory until it is whole
	maxSpool  = 32 << 30 // bytes on the disk of one read
)

var errFull = fmt.Errorf("the records fetched take more than %d bytes; read less at once with a cursor", int64(maxSpool))

// pageSpool is the records of one read, on disk. It is filled whole, then read
// once.
type pageSpool struct {
	*spool.Stream
	page   []byte // the open page, while it is small
	large  bool   // the open page is not small
	head   []byte
	in     *bufio.Reader
	record []byte
}

func newPageSpool(dir string) (*pageSpool, error) {
	s, err := spool.NewStream(spool.Options{Dir: dir, Name: "pages-*", Max: maxSpool, Full: errFull}, 2)
	if err != nil {
		return nil, err
	}
	return &pageSpool{Stream: s}, nil
}

// mark notes that a page begins, so that the one before is whole.
func (s *pageSpool) mark() error {
	large := s.large
	s.large = false
	if large {
		return nil
	}
	_, err := s.Write(s.page)
	s.page = s.page[:0]
	return err
}

// drop forgets the page that has begun.
func (s *pageSpool) drop() error {
	s.page = s.page[:0]
	if !s.large {
		return nil
	}
	s.large = false
	return s.Rewind()
}

// keep adds bytes to the open page.
func (s *pageSpool) keep(parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if !s.large && len(s.page)+size > spoolPage {
		if err := s.Mark(); err != nil {
			return err
		}
		s.large = true
		if _, err := s.Write(s.page); err != nil {
			return err
		}
		s.page = s.page[:0]
	}
	for _, p := range parts {
		if !s.large {
			s.page = append(s.page, p...)
		} else if _, err := s.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// fill takes every record of a fetcher.
func (s *pageSpool) fill(ctx context.Context, f *fetcher) error {
	f.keeper = s
	for {
		it, err := f.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = s.add(it)
		}
		if err != nil {
			return err
		}
	}
	if err := s.mark(); err != nil {
		return err
	}
	s.page = nil
	var err error
	s.in, err = s.Turn()
	return err
}

// add writes one record: its page, place and length, why it is none, and its
// text.
func (s *pageSpool) add(it rows.Item) error {
	why := ""
	if it.Err != nil {
		why = it.Err.Error()
	}
	s.head = binary.AppendUvarint(s.head[:0], uint64(it.Line))
	s.head = binary.AppendUvarint(s.head, uint64(it.Byte))
	s.head = binary.AppendUvarint(s.head, uint64(len(it.Raw)))
	s.head = binary.AppendUvarint(s.head, uint64(len(why)))
	s.head = append(s.head, why...)
	return s.keep(s.head, it.Raw)
}

// next gives the next record of the file.
func (s *pageSpool) next(context.Context) (rows.Item, error) {
	var numbers [4]uint64
	for i := range numbers {
		n, err := binary.ReadUvarint(s.in)
		if err != nil && (i > 0 || !errors.Is(err, io.EOF)) {
			return rows.Item{}, fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
		}
		if err != nil {
			return rows.Item{}, io.EOF
		}
		numbers[i] = n
	}
	size := int(numbers[2] + numbers[3])
	if cap(s.record) < size {
		s.record = make([]byte, size, 2*size)
	}
	s.record = s.record[:size]
	if _, err := io.ReadFull(s.in, s.record); err != nil {
		return rows.Item{}, fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
	}
	why := s.record[:numbers[3]]
	it := rows.Item{Line: int64(numbers[0]), Byte: int64(numbers[1]), Raw: s.record[numbers[3]:]}
	switch {
	case string(why) == rows.ErrTooLong.Error():
		it.Err = rows.ErrTooLong
	case len(why) > 0:
		it.Err = errors.New(string(why))
	}
	return it, nil
}

// close removes the file.
func (s *pageSpool) close() error { return s.Close() }
