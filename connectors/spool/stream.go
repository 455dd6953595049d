package spool

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/s2"
)

const compressed = 256 << 10 // bytes that are compressed together

// Stream is a compressed file that is written whole and then read once, by one
// goroutine.
type Stream struct {
	file  *File
	parts []*Part
	out   *s2.Writer // nil once it is read
}

// NewStream makes an empty stream. workers is how many goroutines compress.
func NewStream(o Options, workers int) (*Stream, error) {
	file, err := Open(o)
	if err != nil {
		return nil, err
	}
	s := &Stream{file: file}
	s.out = s2.NewWriter(lastPart{s}, s2.WriterConcurrency(workers), s2.WriterBlockSize(compressed))
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stream) begin() error {
	part, err := s.file.Append()
	s.parts = append(s.parts, part)
	return err
}

// lastPart writes to the part that is open.
type lastPart struct{ *Stream }

func (l lastPart) Write(p []byte) (int, error) { return l.parts[len(l.parts)-1].Write(p) }

// Write adds bytes.
func (s *Stream) Write(p []byte) (int, error) { return s.out.Write(p) }

// Mark makes this the place Rewind goes back to. It costs a part of its own:
// use it for megabytes.
func (s *Stream) Mark() error {
	if err := s.end(s.out.Flush); err != nil {
		return err
	}
	return s.begin()
}

// end ends the open part once everything is written.
func (s *Stream) end(written func() error) error {
	if err := written(); err != nil {
		return err
	}
	return s.parts[len(s.parts)-1].Close()
}

// Rewind forgets what was written since Mark.
func (s *Stream) Rewind() error {
	s.out.Reset(lastPart{s}) // once what is under way has been written
	s.parts = s.parts[:len(s.parts)-1]
	return s.begin()
}

// Turn ends the writing and gives what was written. An error of its reader
// other than io.EOF says that the disk is at fault.
func (s *Stream) Turn() (*bufio.Reader, error) {
	if err := s.end(s.out.Close); err != nil {
		return nil, err
	}
	s.out = nil
	parts := make([]io.Reader, len(s.parts))
	for i, p := range s.parts {
		parts[i] = p.Reader()
	}
	in := s2.NewReader(io.MultiReader(parts...), s2.ReaderMaxBlockSize(compressed))
	return bufio.NewReaderSize(in, 64<<10), nil
}

// Close removes the file.
func (s *Stream) Close() error {
	if s.out != nil {
		s.out.Reset(nil) // what is there is of no use
	}
	return s.file.Close()
}
