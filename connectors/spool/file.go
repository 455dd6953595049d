package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"

	"github.com/tieout/tieout/connectors"
)

// ErrDamaged says that what is on the disk is not what was written there.
var ErrDamaged = errors.New("the spool is damaged")

// Options say where a spool is, and how much it takes.
type Options struct {
	Dir  string // made when missing, removed when empty; "" is the system's folder
	Name string // pattern of the file's name
	Max  int64  // bytes on the disk
	Full error  // what a write that would take more gives
}

// File is a file of sealed parts, one behind the other. It is written by one
// goroutine; parts that are closed may be read by many.
type File struct {
	o    Options
	file *os.File
	name string // to be removed, "" when it is gone already
	size int64  // of the closed parts
}

// Open makes an empty file that only this user may read.
func Open(o Options) (*File, error) {
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
		}
	}
	file, err := os.CreateTemp(o.Dir, o.Name) // mode 0600
	if err != nil {
		return nil, fmt.Errorf("%w: make the spool: %w", connectors.ErrEnvironment, err)
	}
	f := &File{o: o, file: file, name: file.Name()}
	f.remove()
	return f, nil
}

// remove takes the name away, and the folder when it is the last one there.
func (f *File) remove() {
	if f.name != "" && os.Remove(f.name) == nil {
		if f.name = ""; f.o.Dir != "" {
			_ = os.Remove(f.o.Dir) // not while others use it
		}
	}
}

// Close removes the file.
func (f *File) Close() error {
	err := f.file.Close()
	f.remove()
	return err
}

// Append begins a part behind those that are closed. A part that was begun and
// not closed is forgotten.
func (f *File) Append() (*Part, error) {
	p := &Part{file: f, from: f.size}
	err := f.file.Truncate(f.size)
	if err != nil {
		return nil, fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	p.seal, err = age.Encrypt((*disk)(p), (*keeper)(p))
	return p, err
}

// Part is a part of a File: written from its front, closed, then read.
type Part struct {
	file       *File
	from, size int64 // on the disk
	key        []byte
	seal       io.WriteCloser
}

// Write seals bytes.
func (p *Part) Write(b []byte) (int, error) { return p.seal.Write(b) }

// Close ends the writing: the part is whole.
func (p *Part) Close() error {
	err := p.seal.Close()
	if err == nil {
		p.file.size = p.from + p.size
	}
	return err
}

// disk is a part as it is stored.
type disk Part

// Write refuses what exceeds the cap.
func (d *disk) Write(b []byte) (int, error) {
	at := d.from + d.size
	if at+int64(len(b)) > d.file.o.Max {
		return 0, d.file.o.Full
	}
	n, err := d.file.file.WriteAt(b, at)
	d.size += int64(n)
	if err != nil {
		err = fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, err)
	}
	return n, err
}

func (p *Part) stored() *io.SectionReader { return io.NewSectionReader(p.file.file, p.from, p.size) }

// keeper keeps the key of a part, which the disk never sees in any form.
type keeper Part

// Wrap takes the key that was made for the part.
func (k *keeper) Wrap(key []byte) ([]*age.Stanza, error) {
	k.key = bytes.Clone(key)
	return []*age.Stanza{{Type: "memory"}}, nil
}

func (p *Part) identity() age.Identity { return age.NewInjectedFileKeyIdentity(p.key) }

// Reader reads the part from its front.
func (p *Part) Reader() io.Reader { return &reader{part: p} }

type reader struct {
	part *Part
	in   io.Reader // nil at first
}

// Read unseals; only the true end of the part is io.EOF.
func (r *reader) Read(b []byte) (n int, err error) {
	if r.in == nil {
		if r.in, err = age.Decrypt(r.part.stored(), r.part.identity()); err != nil {
			return 0, broken(err)
		}
	}
	if n, err = r.in.Read(b); err != nil && !errors.Is(err, io.EOF) {
		err = broken(err)
	}
	return n, err
}

// broken says whether the disk cannot be read, or gives what was not written.
// Damage keeps the words of its cause alone, which may be an io.EOF: nobody may
// take it for the end of the records.
func broken(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%w: read the spool: %w", connectors.ErrEnvironment, err)
	}
	return fmt.Errorf("%w: %w: %s", connectors.ErrEnvironment, ErrDamaged, err.Error())
}
