package singer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"

	"github.com/tieout/tieout/connectors"
)

const (
	spoolBlock = 256 << 10
	maxSpool   = 32 << 30 // compressed bytes of one read
)

// spool is a compressed file of the records of one stream: line, version and
// text of each. It has no name while it is in use, so that a killed process
// leaves nothing behind.
type spool struct {
	file *os.File
	size int64
	out  *s2.Writer
	in   *bufio.Reader
	head []byte
	raw  []byte
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, "records-*")
	if err != nil {
		return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
	}
	os.Remove(file.Name())
	s := &spool{file: file}
	s.out = s2.NewWriter(s, s2.WriterConcurrency(1), s2.WriterBlockSize(spoolBlock))
	return s, nil
}

// Write takes compressed bytes up to the cap.
func (s *spool) Write(p []byte) (int, error) {
	if s.size += int64(len(p)); s.size > maxSpool {
		return 0, fmt.Errorf("%w: the records of the tap take more than %d GiB", connectors.ErrConfig, maxSpool>>30)
	}
	n, err := s.file.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	return n, err
}

// add takes one record.
func (s *spool) add(line int64, version string, raw []byte) error {
	s.head = binary.AppendUvarint(s.head[:0], uint64(line))
	s.head = binary.AppendUvarint(s.head, uint64(len(version)))
	s.head = append(s.head, version...)
	s.head = binary.AppendUvarint(s.head, uint64(len(raw)))
	if _, err := s.out.Write(s.head); err != nil {
		return err
	}
	_, err := s.out.Write(raw)
	return err
}

// turn ends the writing and begins the reading.
func (s *spool) turn() error {
	if err := s.out.Close(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
	}
	s.in = bufio.NewReaderSize(s2.NewReader(s.file, s2.ReaderMaxBlockSize(spoolBlock)), 64<<10)
	return nil
}

// next gives the next record. raw is good until the next call.
func (s *spool) next() (line int64, version string, raw []byte, err error) {
	n, err := binary.ReadUvarint(s.in)
	if errors.Is(err, io.EOF) {
		return 0, "", nil, io.EOF
	}
	if err == nil {
		line = int64(n)
		if raw, err = s.text(); err == nil {
			version = string(raw)
			raw, err = s.text()
		}
	}
	if err != nil {
		return 0, "", nil, fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
	}
	return line, version, raw, nil
}

// text reads a length and as many bytes.
func (s *spool) text() ([]byte, error) {
	size, err := binary.ReadUvarint(s.in)
	if err != nil {
		return nil, err
	}
	if uint64(cap(s.raw)) < size {
		s.raw = make([]byte, size, 2*size)
	}
	s.raw = s.raw[:size]
	_, err = io.ReadFull(s.in, s.raw)
	return s.raw, err
}

func (s *spool) close() error { return s.file.Close() }
