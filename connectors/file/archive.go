package file

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/tieout/tieout/connectors/file/place"
)

// archive is a zip file whose list of contents was looked at. Nothing in it
// is ever written under the name it has there.
type archive struct {
	name   string
	files  []*zip.File
	handle io.Closer
}

// maxMembers bounds what one archive holds.
const maxMembers = 20_000

// Bounds of what is packed. Rows that are all the same reach 350 bytes for one,
// rows that differ in a number alone 30: what goes beyond was made to do harm.
const (
	freeBytes = 64 << 20 // that may come out of anything, however small it is
	maxRatio  = 400      // bytes out for one in, beyond freeBytes
)

// mostOf is how much may come out of so many packed bytes.
func mostOf(packed uint64) int64 {
	return int64(min(max(freeBytes, min(packed, maxUnpacked)*maxRatio), maxUnpacked))
}

func (f *disk) openArchive(name string) (*archive, error) {
	doc, err := f.wholeFile(name)
	if err != nil {
		return nil, err
	}
	a, err := newArchive(name, doc, doc.size)
	if err != nil {
		doc.Close()
		return nil, err
	}
	a.handle = doc
	return a, nil
}

// newArchive reads the list of contents and refuses what no honest program
// writes.
func newArchive(name string, r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%w: %s is no zip file, or it is cut short: %w", errDamaged, name, err)
	}
	a := &archive{name: name, files: z.File}
	if len(z.File) > maxMembers {
		return nil, a.refuse("it holds %d files; at most %d are read", len(z.File), maxMembers)
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	seen := make(map[string]bool, len(z.File))
	for _, f := range z.File {
		clean := strings.TrimSuffix(f.Name, "/")
		switch {
		case !fs.ValidPath(clean) || strings.Contains(clean, `\`) && strings.Contains(clean, ".."):
			return nil, a.refuse("it holds a file with the path %q, which leads out of it", f.Name)
		case seen[f.Name]:
			return nil, a.refuse("it holds the file %q twice", f.Name)
		}
		seen[f.Name] = true
	}
	return a, a.overlap(size)
}

// lacks says that what is asked of the archive is not in it.
func (a *archive) lacks(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", errNamed, a.name, fmt.Sprintf(format, args...))
}

func (a *archive) refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", errDamaged, a.name, fmt.Sprintf(format, args...))
}

// overlap refuses an archive that uses the same bytes for several files.
func (a *archive) overlap(size int64) error {
	type part struct{ from, to int64 }
	var parts []part
	for _, f := range a.files {
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > uint64(size) || from > size-int64(f.CompressedSize64) {
			return a.refuse("the place of %q in it is damaged", f.Name)
		}
		parts = append(parts, part{from, from + int64(f.CompressedSize64)})
	}
	slices.SortFunc(parts, func(x, y part) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to)) })
	for i := 1; i < len(parts); i++ {
		if parts[i].from < parts[i-1].to {
			return a.refuse("files in it overlap, as in an archive made to do harm")
		}
	}
	return nil
}

// Close closes the file.
func (a *archive) Close() error {
	if a.handle == nil {
		return nil
	}
	return a.handle.Close()
}

// find gives a member by its name, which spreadsheets write in any case.
func (a *archive) find(name string) *zip.File {
	for _, f := range a.files {
		if f.Name == name {
			return f
		}
	}
	for _, f := range a.files {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// match lists the files whose path fits a pattern, sorted.
func (a *archive) match(pattern string) ([]string, error) {
	var names []string
	for _, f := range a.files {
		if f.Mode().IsDir() || strings.HasSuffix(f.Name, "/") || junk(f.Name) {
			continue
		}
		ok, err := place.Fits(pattern, f.Name)
		if err != nil {
			return nil, a.lacks("%q is no pattern: %v", pattern, err)
		}
		if ok || pattern == "" || pattern == f.Name {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// junk reports files that programs put beside what was packed.
func junk(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), ".")
}

// only is the one file of an archive whose stream names none.
func (a *archive) only() (string, error) {
	names, err := a.match("")
	if err == nil && len(names) != 1 {
		err = a.lacks("it holds %d files; name those to read, as in %s/*.csv", len(names), a.name)
	}
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// open opens a member, whose size is watched while it is read.
func (a *archive) open(name string) (io.ReadCloser, error) {
	f := a.find(name)
	switch {
	case f == nil:
		return nil, a.lacks("there is no file %q in it", name)
	case f.Flags&1 != 0:
		return nil, a.refuse("%q in it is protected by a password; pack it without one", name)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return nil, a.refuse("%q in it is packed by method %d; pack it again as an ordinary zip file", name, f.Method)
	}
	m := &member{archive: a, name: name, most: mostOf(f.CompressedSize64)}
	if f.UncompressedSize64 > uint64(m.most) { // as it says itself; what says less is watched
		return nil, m.harm()
	}
	var err error
	if m.ReadCloser, err = f.Open(); err != nil {
		return nil, a.refuse("%q in it cannot be read: %v", name, err)
	}
	return m, nil
}

// member reads one file of an archive.
type member struct {
	io.ReadCloser
	archive *archive
	name    string
	bytes   int64
	most    int64
}

func (m *member) harm() error {
	return m.archive.refuse("%q in it unpacks to more than %d times its size, as in an archive made to do harm", m.name, maxRatio)
}

// Read reads on; it refuses to unpack far more than the file could hold.
func (m *member) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if m.bytes += int64(n); m.bytes > m.most {
		return n, m.harm()
	}
	if err != nil && err != io.EOF {
		return n, m.archive.refuse("%q in it is cut short or damaged: %v", m.name, err)
	}
	return n, err
}
