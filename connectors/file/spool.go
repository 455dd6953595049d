package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
)

// maxSpool bounds what one read may bring from far away.
const maxSpool = 64 << 30

// spool is a file of this machine that holds files of another, one behind the
// other. It has no name while it is in use, so that a killed process leaves
// nothing behind.
type spool struct {
	file  *os.File
	size  int64
	parts map[string]part
}

// part is where a file lies in a spool.
type part struct{ from, size int64 }

// newSpool makes a spool in a folder, "" for that of the system.
func newSpool(dir string) (*spool, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
		}
	}
	file, err := os.CreateTemp(dir, "files-*")
	if err != nil {
		return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
	}
	if os.Remove(file.Name()) == nil && dir != "" {
		_ = os.Remove(dir) // not while others use it
	}
	return &spool{file: file, parts: make(map[string]part)}, nil
}

// fetch brings every file of a read here before its load begins. dir is where
// to, "" for the system's folder.
func (f *disk) fetch(inputs []input, dir string) error {
	if _, near := f.folder.(*place.Local); near {
		return nil
	}
	for _, in := range inputs {
		if f.spool.get(in.file) != nil {
			continue
		}
		if _, err := f.bring(in.file, dir); err != nil {
			return err
		}
	}
	return nil
}

// bring brings one file here, from its front again when it was cut short and
// could not be gone on with.
func (f *disk) bring(name, dir string) (*kept, error) {
	if f.spool == nil {
		var err error
		if f.spool, err = newSpool(dir); err != nil {
			return nil, err
		}
	}
	const most = 4
	for n := 1; ; n++ {
		k, err := f.bringOnce(name)
		if err == nil || n == most || !errors.Is(err, place.ErrCut) {
			return k, err
		}
	}
}

func (f *disk) bringOnce(name string) (*kept, error) {
	if err := f.ctx.Err(); err != nil {
		return nil, context.Cause(f.ctx)
	}
	stream, err := f.file(name)
	if err != nil {
		return nil, err
	}
	k, err := f.spool.add(name, stream)
	if cerr := stream.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("%w: read %s: %w", connectors.ErrEnvironment, name, cerr)
	}
	return k, err
}

// add takes a whole file.
func (s *spool) add(name string, from io.Reader) (*kept, error) {
	n, err := io.Copy(io.NewOffsetWriter(s.file, s.size), io.LimitReader(from, maxSpool-s.size+1))
	if err == nil && s.size+n > maxSpool {
		err = fmt.Errorf("%w: the files of the stream take more than %d GiB; read fewer at once", connectors.ErrConfig, maxSpool>>30)
	}
	var write *os.PathError
	if errors.As(err, &write) && write.Path == s.file.Name() {
		err = fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, write.Err)
	}
	if err != nil {
		return nil, err
	}
	s.parts[name] = part{from: s.size, size: n}
	s.size += n
	return s.get(name), nil
}

// kept reads one file of a spool.
type kept struct{ *io.SectionReader }

// Close does nothing: the spool stays.
func (*kept) Close() error { return nil }

// get reads a file that was added, nil for any other.
func (s *spool) get(name string) *kept {
	if s == nil {
		return nil
	}
	p, has := s.parts[name]
	if !has {
		return nil
	}
	return &kept{io.NewSectionReader(s.file, p.from, p.size)}
}

// close removes the spool.
func (s *spool) close() { s.file.Close() }
