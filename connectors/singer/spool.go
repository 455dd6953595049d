package singer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/spool"
)

const maxSpool = 32 << 30 // bytes on the disk of one read

var errFull = fmt.Errorf("%w: the records of the tap take more than %d GiB", connectors.ErrConfig, maxSpool>>30)

// recordSpool is the records of one stream, on disk: line, version and text of
// each.
type recordSpool struct {
	*spool.Stream
	in   *bufio.Reader
	head []byte
	raw  []byte
}

func newRecordSpool(dir string) (*recordSpool, error) {
	s, err := spool.NewStream(spool.Options{Dir: dir, Name: "records-*", Max: maxSpool, Full: errFull}, 1)
	if err != nil {
		return nil, err
	}
	return &recordSpool{Stream: s}, nil
}

// add takes one record.
func (s *recordSpool) add(line int64, version string, raw []byte) error {
	s.head = binary.AppendUvarint(s.head[:0], uint64(line))
	s.head = binary.AppendUvarint(s.head, uint64(len(version)))
	s.head = append(s.head, version...)
	s.head = binary.AppendUvarint(s.head, uint64(len(raw)))
	if _, err := s.Write(s.head); err != nil {
		return err
	}
	_, err := s.Write(raw)
	return err
}

// turn ends the writing and begins the reading.
func (s *recordSpool) turn() (err error) {
	s.in, err = s.Turn()
	return err
}

// next gives the next record. raw is good until the next call.
func (s *recordSpool) next() (line int64, version string, raw []byte, err error) {
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
func (s *recordSpool) text() ([]byte, error) {
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
