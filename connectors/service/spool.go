package service

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
)

const (
	spoolBlock = 256 << 10
	spoolPage  = 4 << 20  // a page up to this is kept in memory until it is whole
	maxSpool   = 32 << 30 // compressed bytes of one read
)

// spool is a compressed file of the records of one read. It is filled whole,
// then read once. File and folder have no name while they are in use, where the
// system allows that, so that a killed process leaves nothing behind.
type spool struct {
	file   *os.File
	dir    string
	name   string // to be removed, "" when it is gone already
	out    *s2.Writer
	size   int64  // bytes written to the file
	page   []byte // the open page, while it is small
	begin  int64  // where the open page begins in the file, once it is not
	large  bool   // the open page is not small
	filled bool
	head   []byte
	in     *bufio.Reader
	record []byte
}

func newSpool(dir string) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
	}
	file, err := os.CreateTemp(dir, "pages-*")
	if err != nil {
		return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
	}
	s := &spool{file: file, dir: dir, name: file.Name()}
	if os.Remove(s.name) == nil {
		s.name = ""
		_ = os.Remove(dir) // not while others use it
	}
	s.out = s2.NewWriter(spoolFile{s}, s2.WriterConcurrency(2), s2.WriterBlockSize(spoolBlock))
	return s, nil
}

// spoolFile writes to the file and keeps count.
type spoolFile struct{ *spool }

// Write refuses what exceeds the cap.
func (f spoolFile) Write(p []byte) (int, error) {
	if f.size+int64(len(p)) > maxSpool {
		return 0, fmt.Errorf("the records fetched take more than %d bytes; read less at once with a cursor", int64(maxSpool))
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	if err != nil {
		err = fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	return n, err
}

// mark notes that a page begins, so that the one before is whole.
func (s *spool) mark() error {
	large := s.large
	s.large = false
	if large {
		return nil
	}
	_, err := s.out.Write(s.page)
	s.page = s.page[:0]
	return err
}

// drop forgets the page that has begun.
func (s *spool) drop() error {
	s.page = s.page[:0]
	if !s.large {
		return nil
	}
	s.large = false
	if err := s.out.Flush(); err != nil {
		return err
	}
	s.size = s.begin
	if err := s.file.Truncate(s.begin); err != nil {
		return fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	if _, err := s.file.Seek(s.begin, io.SeekStart); err != nil {
		return fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	s.out.Reset(spoolFile{s})
	return nil
}

// write adds bytes to the open page.
func (s *spool) write(parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if !s.large && len(s.page)+size > spoolPage {
		if err := s.out.Flush(); err != nil {
			return err
		}
		s.begin, s.large = s.size, true
		if _, err := s.out.Write(s.page); err != nil {
			return err
		}
		s.page = s.page[:0]
	}
	for _, p := range parts {
		if !s.large {
			s.page = append(s.page, p...)
		} else if _, err := s.out.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// fill takes every record of a fetcher.
func (s *spool) fill(ctx context.Context, f *fetcher) error {
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
	s.filled = true
	if err := s.out.Close(); err != nil {
		return err
	}
	s.page = nil
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
	}
	s.in = bufio.NewReaderSize(s2.NewReader(s.file, s2.ReaderMaxBlockSize(spoolBlock)), 64<<10)
	return nil
}

// add writes one record: its page, place and length, why it is none, and its
// text.
func (s *spool) add(it rows.Item) error {
	why := ""
	if it.Err != nil {
		why = it.Err.Error()
	}
	s.head = binary.AppendUvarint(s.head[:0], uint64(it.Line))
	s.head = binary.AppendUvarint(s.head, uint64(it.Byte))
	s.head = binary.AppendUvarint(s.head, uint64(len(it.Raw)))
	s.head = binary.AppendUvarint(s.head, uint64(len(why)))
	s.head = append(s.head, why...)
	return s.write(s.head, it.Raw)
}

// next gives the next record of the file.
func (s *spool) next(context.Context) (rows.Item, error) {
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

// close removes the file, and the folder when it is the last one there.
func (s *spool) close() error {
	if !s.filled {
		_ = s.out.Close() // what is there is of no use
	}
	err := s.file.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
		_ = os.Remove(s.dir)
	}
	return err
}
