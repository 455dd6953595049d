package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/spool"
)

// onDisk gives the path under which this process can still reach the file of a
// spool, which has no name.
func onDisk(t *testing.T, o spool.Options) string {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range open {
		path := "/proc/self/fd/" + e.Name()
		if name, err := os.Readlink(path); err == nil && strings.HasPrefix(name, filepath.Join(o.Dir, "test-")) && strings.HasSuffix(name, "(deleted)") {
			return path
		}
	}
	t.Fatal("the file is not open")
	return ""
}

const canary = "IBAN DE02120300000000202051 of the canary"

// way is one of the ways to write data to a spool and to read it back, once.
type way struct {
	name string
	fill func(t *testing.T, o spool.Options, data []byte) (read func() ([]byte, error), done io.Closer)
}

var ways = []way{
	{"stream", func(t *testing.T, o spool.Options, data []byte) (func() ([]byte, error), io.Closer) {
		s, err := spool.NewStream(o, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, half := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
			if _, err := s.Write(half); err != nil {
				t.Fatal(err)
			}
			if err := s.Mark(); err != nil {
				t.Fatal(err)
			}
		}
		in, err := s.Turn()
		if err != nil {
			t.Fatal(err)
		}
		return func() ([]byte, error) { return io.ReadAll(in) }, s
	}},
	{"part", func(t *testing.T, o spool.Options, data []byte) (func() ([]byte, error), io.Closer) {
		f, err := spool.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		part, err := f.Append()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := part.Close(); err != nil {
			t.Fatal(err)
		}
		return func() ([]byte, error) {
			in, err := part.Open()
			if err != nil {
				return nil, err
			}
			return io.ReadAll(in)
		}, f
	}},
}

// What is on the disk shows nothing of what was written, compressed or not, and
// only this user may open it.
func TestDiskShowsNothing(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := options(t, 1<<30)
			data := append(noise(5, 500_000), canary...) // noise, so that s2 leaves the text as it is
			data = append(data, noise(6, 500_000)...)
			read, done := way.fill(t, o, data)
			defer done.Close()
			path := onDisk(t, o)
			disk, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(disk) < len(data) {
				t.Fatalf("only %d bytes are on the disk", len(disk))
			}
			for _, clear := range []string{canary, canary[5:13], string(data[:16]), string(data[len(data)-16:])} {
				if bytes.Contains(disk, []byte(clear)) {
					t.Errorf("%q is on the disk", clear)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			if _, err := os.Stat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder has a name: %v", err)
			}
			if got, err := read(); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// A byte that was changed, and bytes that are gone, are an error that says so;
// nothing is read that was not written, and no end before the end.
func TestDamageIsFound(t *testing.T) {
	const size = 300_000
	for _, way := range ways {
		for _, at := range []int64{0, 20, 120, 70_000, 150_200, 200_000, size, -1, -100_000, -size} {
			t.Run(fmt.Sprint(way.name, at), func(t *testing.T) {
				o, data := options(t, 1<<30), noise(7, size)
				read, done := way.fill(t, o, data)
				defer done.Close()
				damage(t, onDisk(t, o), at)
				got, err := read()
				if !errors.Is(err, spool.ErrDamaged) || !errors.Is(err, connectors.ErrEnvironment) {
					t.Errorf("%d bytes of %d, %v", len(got), size, err)
				}
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%v looks like an end", err)
				}
				if !bytes.HasPrefix(data, got) {
					t.Error("something was read that was not written")
				}
			})
		}
	}
}

// damage changes a byte, or cuts bytes off the end.
func damage(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if at < 0 {
		info, err := f.Stat()
		if err == nil {
			err = f.Truncate(info.Size() + at)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 1
	if _, err := f.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}
