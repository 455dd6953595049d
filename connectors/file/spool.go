package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/connectors/spool"
)

// maxSpool bounds what one read may bring from far away.
const maxSpool = 64 << 30

var errFull = fmt.Errorf("%w: the files of the stream take more than %d GiB; read fewer at once", connectors.ErrConfig, maxSpool>>30)

// copies are files of another machine, on the disk of this one.
type copies struct {
	file  *spool.File
	parts map[string]*spool.Part
}

// newCopies makes room for them.
func newCopies(o spool.Options) (*copies, error) {
	file, err := spool.Open(o)
	if err != nil {
		return nil, err
	}
	return &copies{file: file, parts: make(map[string]*spool.Part)}, nil
}

// fetch brings every file of a read here before its load begins. dir is where
// to, "" for the system's folder.
func (f *disk) fetch(inputs []input, dir string) error {
	if _, near := f.folder.(*place.Local); near {
		return nil
	}
	for _, in := range inputs {
		if f.copies.has(in.file) {
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
	if f.copies == nil {
		made, err := newCopies(spool.Options{Dir: dir, Name: "files-*", Max: maxSpool, Full: errFull})
		if err != nil {
			return nil, err
		}
		f.copies = made
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
	k, err := f.copies.add(name, stream)
	if cerr := stream.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("%w: read %s: %w", connectors.ErrEnvironment, name, cerr)
	}
	return k, err
}

// add takes a whole file.
func (c *copies) add(name string, from io.Reader) (*kept, error) {
	part, err := c.file.Append()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(part, from); err != nil {
		return nil, err
	}
	if err := part.Close(); err != nil {
		return nil, err
	}
	c.parts[name] = part
	return c.get(name)
}

func (c *copies) has(name string) bool { return c != nil && c.parts[name] != nil }

// kept reads one file here and there.
type kept struct{ *io.SectionReader }

// Close does nothing: the copy stays.
func (kept) Close() error { return nil }

// get reads a file that was added.
func (c *copies) get(name string) (*kept, error) {
	in, err := c.parts[name].Open()
	return &kept{in}, err
}
