package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/connectors/spool"
)

// input is one document of a stream: a file of the folder, or one inside an
// archive there.
type input struct {
	file   string // in the folder
	member string // in the archive, "" when the file itself is meant
}

// name is how messages call it.
func (i input) name() string {
	if i.member == "" {
		return i.file
	}
	return i.file + "/" + i.member
}

// plain is the name of what is read once it is unpacked: its extension tells
// the format.
func plain(name string) string {
	if ext := path.Ext(name); strings.EqualFold(ext, ".gz") {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

func gzipped(name string) bool { return strings.EqualFold(path.Ext(name), ".gz") }

func zipped(name string) bool { return strings.EqualFold(path.Ext(name), ".zip") }

// disk opens the inputs of one read. It belongs to the reader.
type disk struct {
	ctx     context.Context // of the read
	folder  place.Folder
	entries map[string]place.Entry // files as they were when they were found
	copies  *copies                // nil where files are read where they are
	archive *archive               // the last one opened
}

func newDisk(ctx context.Context, folder place.Folder) *disk {
	return &disk{ctx: ctx, folder: folder, entries: make(map[string]place.Entry)}
}

// Close lets go of the folder.
func (f *disk) Close() error {
	if f.archive != nil {
		f.archive.Close()
	}
	if f.copies != nil {
		_ = f.copies.file.Close()
	}
	f.folder.Close()
	return nil
}

// open opens an input to be read from its front, unpacked.
func (f *disk) open(in input) (io.ReadCloser, error) {
	raw, err := f.raw(in)
	if err != nil || !gzipped(in.name()) {
		return raw, err
	}
	packed := &counted{ReadCloser: raw}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("%w: %s is no gzip file: %w", errDamaged, in.name(), err)
	}
	return &unpacker{name: in.name(), in: unpacked, packed: packed}, nil
}

// raw opens an input as it is stored.
func (f *disk) raw(in input) (io.ReadCloser, error) {
	if in.member == "" {
		return f.file(in.file)
	}
	if f.archive == nil || f.archive.name != in.file {
		a, err := f.openArchive(in.file)
		if err != nil {
			return nil, err
		}
		if f.archive != nil {
			f.archive.Close()
		}
		f.archive = a
	}
	return f.archive.open(in.member)
}

// file opens a file of the folder from its front.
func (f *disk) file(name string) (io.ReadCloser, error) {
	if f.copies.has(name) {
		return f.copies.get(name)
	}
	e, known := f.entries[name]
	if !known {
		var err error
		if e, err = f.folder.Stat(f.ctx, name); err != nil {
			return nil, err
		}
	}
	return f.folder.Open(f.ctx, e)
}

// unpacker reads a gzip file, its members one behind the other.
type unpacker struct {
	name   string
	in     *gzip.Reader
	packed *counted
	bytes  int64
}

// counted counts what is read of a file.
type counted struct {
	io.ReadCloser
	bytes int64
}

// Read reads on.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes += int64(n)
	return n, err
}

// maxUnpacked bounds what one packed file may unpack to. Memory is flat
// whatever it is: this ends a file made to keep a reader busy for days.
const maxUnpacked = 256 << 30

// Read reads on; a file that ends early, does not fit its checksum or unpacks
// to far more than it could hold is an error that says so.
func (u *unpacker) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	switch u.bytes += int64(n); {
	case u.bytes > maxUnpacked:
		return n, fmt.Errorf("%w: %s unpacks to more than %d GiB", errDamaged, u.name, maxUnpacked>>30)
	case u.bytes > mostOf(uint64(u.packed.bytes)):
		return n, fmt.Errorf("%w: %s unpacks to more than %d times its size, as a file made to do harm", errDamaged, u.name, maxRatio)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("unpack %s: the file is cut short or damaged: %w", u.name, err)
	}
	return n, err
}

// Close closes the file.
func (u *unpacker) Close() error {
	_ = u.in.Close()
	return u.packed.Close()
}

// blob is an input that is read here and there.
type blob struct {
	io.ReaderAt
	io.Closer
	size int64
}

// blob opens an input for reading here and there. One that is packed, or far
// away, is first brought into a file without a name.
func (f *disk) blob(in input) (*blob, error) {
	if in.member == "" && !gzipped(in.file) {
		return f.wholeFile(in.file)
	}
	stream, err := f.open(in)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return unpack(stream, in.name())
}

// wholeFile opens a file as it is stored for reading here and there.
func (f *disk) wholeFile(name string) (*blob, error) {
	handle, err := f.file(name)
	if err != nil {
		return nil, err
	}
	switch h := handle.(type) {
	case *kept:
		return &blob{ReaderAt: h, Closer: h, size: h.Size()}, nil
	case *os.File:
		info, err := h.Stat()
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
		}
		return &blob{ReaderAt: h, Closer: h, size: info.Size()}, nil
	}
	handle.Close()
	h, err := f.bring(name, "")
	if err != nil {
		return nil, err
	}
	return &blob{ReaderAt: h, Closer: h, size: h.Size()}, nil
}

// maxDocument bounds a packed document that must be unpacked as a whole.
const maxDocument = 4 << 30

func unpack(stream io.Reader, name string) (*blob, error) {
	full := fmt.Errorf("%w: %s unpacks to more than %d GiB", errDamaged, name, maxDocument>>30)
	c, err := newCopies(spool.Options{Name: "tieout-*", Max: maxDocument, Full: full})
	if err != nil {
		return nil, err
	}
	k, err := c.add(name, stream)
	if err != nil {
		_ = c.file.Close()
		return nil, err
	}
	return &blob{ReaderAt: k, Closer: c.file, size: k.Size()}, nil
}
