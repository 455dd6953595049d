package spool_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors/spool"
)

var errFull = errors.New("too much for the test")

func options(t testing.TB, most int64) spool.Options {
	return spool.Options{Dir: filepath.Join(t.TempDir(), "spool", "run"), Name: "test-*", Max: most, Full: errFull}
}

// noise does not get smaller by compression.
func noise(seed uint64, n int) []byte {
	out := make([]byte, n)
	var key [32]byte
	key[0] = byte(seed)
	_, _ = rand.NewChaCha8(key).Read(out)
	return out
}

// Whatever is written, marked and taken back, what is read is what stayed.
func TestStreamKeepsWhatStayed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := spool.NewStream(options(t, 1<<30), rapid.IntRange(1, 2).Draw(rt, "workers"))
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		var want []byte
		marked := 0
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				err, marked = s.Mark(), len(want)
			case 1:
				err, want = s.Rewind(), want[:marked]
			default:
				piece := noise(rapid.Uint64().Draw(rt, "seed"), rapid.SampledFrom([]int{0, 1, 100, 64 << 10, 64<<10 + 1, 700_000}).Draw(rt, "size"))
				_, err = s.Write(piece)
				want = append(want, piece...)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		in, err := s.Turn()
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	})
}

// A part can be read anywhere, by many, also while others are added; one that
// was not closed is as if it had never been.
func TestPartsAreReadHereAndThere(t *testing.T) {
	f, err := spool.Open(options(t, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 3_000_000} {
		lost, err := f.Append()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lost.Write(noise(99, 200_000)); err != nil {
			t.Fatal(err)
		}
		want := noise(uint64(i), size)
		in := add(t, f, want)
		if in.Size() != int64(size) {
			t.Errorf("size %d, want %d", in.Size(), size)
		}
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, %v", len(got), size, err)
		}
		for range 200 {
			from, n := rand.IntN(size+2), rand.IntN(200_000)
			got := make([]byte, n)
			read, err := in.ReadAt(got, int64(from))
			wanted := want[min(from, size):min(from+n, size)]
			if !bytes.Equal(got[:read], wanted) || (err != nil) != (read < n) || err != nil && err != io.EOF {
				t.Fatalf("%d bytes at %d of %d: %d, %v", n, from, size, read, err)
			}
		}
	}
}

func add(t testing.TB, f *spool.File, bytes []byte) *io.SectionReader {
	t.Helper()
	part, err := f.Append()
	if err == nil {
		_, err = part.Write(bytes)
	}
	if err == nil {
		err = part.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	in, err := part.Open()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// The cap counts what is on the disk, and what was taken back makes room.
func TestCap(t *testing.T) {
	s, err := spool.NewStream(options(t, 3<<20), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write := func(b []byte) error {
		_, err := s.Write(b)
		return errors.Join(err, s.Mark())
	}
	for range 5 {
		if _, err := s.Write(noise(1, 2<<20)); err != nil {
			t.Fatal(err)
		}
		if err := s.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(make([]byte, 64<<20)); err != nil {
		t.Errorf("zeros that pack to little: %v", err)
	}
	if err := write(noise(2, 2<<20)); err != nil {
		t.Errorf("below the cap: %v", err)
	}
	if err := write(noise(3, 1<<20)); !errors.Is(err, errFull) {
		t.Errorf("above the cap: %v", err)
	}
}

// Neither file nor folder is left behind, and a folder with others in it stays.
func TestNothingIsLeft(t *testing.T) {
	o := options(t, 1<<20)
	f, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(o.Dir, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, "*")); len(left) != 1 || left[0] != other {
		t.Errorf("left %q", left)
	}
}

// BenchmarkStream writes and reads back 64 MiB that cannot be compressed.
func BenchmarkStream(b *testing.B) {
	data := noise(1, 1<<20)
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		s, err := spool.NewStream(options(b, 1<<30), 1)
		if err != nil {
			b.Fatal(err)
		}
		for range 64 {
			if _, err := s.Write(data); err != nil {
				b.Fatal(err)
			}
		}
		in, err := s.Turn()
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, in); n != 64<<20 || err != nil {
			b.Fatal(n, err)
		}
		s.Close()
	}
}

// BenchmarkPart reads 64 MiB in small pieces, as an archive is read.
func BenchmarkPart(b *testing.B) {
	f, err := spool.Open(options(b, 1<<30))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in := add(b, f, noise(1, 64<<20))
	piece := make([]byte, 4096)
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		for at := int64(0); at < in.Size(); at += int64(len(piece)) {
			if _, err := in.ReadAt(piece, at); err != nil {
				b.Fatal(err)
			}
		}
	}
}
