package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// writer writes one load into a temporary file.
type writer struct {
	place  place
	format string
	load   connectors.Load
	epoch  int64
	enc    encoder
	temp   string
	file   *os.File
	out    io.Writer // onto file, by way of disk
	disk   *tally
	pack   *gzip.Writer // between them when the file is packed; else nil
	buf    []byte
	hash   hash.Hash // over the records of this load
	rows   int64
	merge  *merge    // for an upsert
	table  *columnar // for a Parquet file
	over   bool
}

const flushBytes = 256 << 10

// tally counts and hashes what is written to a file.
type tally struct {
	file  *os.File
	size  int64
	whole hash.Hash // nil unless a replace may find the file unchanged
}

// Write writes to the file.
func (t *tally) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	t.size += int64(n)
	if t.whole != nil {
		t.whole.Write(p[:n])
	}
	return n, err
}

func openWriter(p place, format string, safe bool, load connectors.Load, epoch int64) (*writer, error) {
	delimiter := byte(',')
	if strings.EqualFold(path.Ext(plain(load.Stream)), ".tsv") {
		delimiter = '\t'
	}
	w := &writer{place: p, format: format, load: load, epoch: epoch, temp: p.temp(load.ID), hash: sha256.New(),
		enc: newEncoder(format, delimiter, safe)}
	f, err := p.root.OpenFile(w.temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	w.file, w.disk = f, &tally{file: f}
	if load.Mode == connectors.Replace {
		w.disk.whole = sha256.New()
	}
	w.out = w.disk
	if gzipped(load.Stream) {
		w.pack = gzip.NewWriter(w.disk)
		w.out = w.pack
	}
	if err := w.start(delimiter); err != nil {
		f.Close()
		p.root.Remove(w.temp)
		return nil, err
	}
	return w, nil
}

// start writes what stands before the records of this load: the header, and
// for an append what the file holds already.
func (w *writer) start(delimiter byte) (err error) {
	if w.format == "parquet" {
		w.table, err = newColumnar(w)
		return err
	}
	head := w.enc.begin(nil, w.load.Shape)
	if w.load.Mode == connectors.Replace {
		w.buf = head
		return nil
	}
	there, err := w.sameHeader(head)
	if err != nil {
		return err
	}
	if w.load.Mode == connectors.Upsert {
		w.merge = newMerge(w, delimiter, head)
		return nil
	}
	if !there {
		w.buf = head
		return nil
	}
	return w.copyOld(head)
}

// old opens the file as it is, unpacked; nil when there is none.
func (w *writer) old() (io.ReadCloser, error) {
	if _, err := w.place.root.Stat(w.place.data); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	d := &disk{root: w.place.root}
	return d.open(input{file: w.place.data})
}

// sameHeader refuses to add records under other columns; there reports
// whether there is a file to add to.
func (w *writer) sameHeader(head []byte) (there bool, err error) {
	old, err := w.old()
	if err != nil || old == nil {
		return false, err
	}
	defer old.Close()
	if w.format != "csv" {
		return true, nil
	}
	first := make([]byte, len(head)+3)
	n, err := io.ReadFull(old, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return true, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	got := bytes.TrimPrefix(first[:n], []byte("\xef\xbb\xbf"))
	if n > 0 && !bytes.HasPrefix(got, head) {
		line, _, _ := bytes.Cut(got, []byte{'\n'})
		return true, fmt.Errorf("%w: %s has other columns: its first line begins %q, this load writes %q; write to another file, or use mode: replace",
			connectors.ErrConfig, w.place.data, line, bytes.TrimSpace(head))
	}
	return true, nil
}

// copyOld begins the file with what it holds already.
func (w *writer) copyOld(head []byte) error {
	old, err := w.old()
	if err != nil {
		return err
	}
	defer old.Close()
	last := lastByte{w: w.out}
	n, err := io.Copy(&last, old)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if n == 0 {
		w.buf = head
	} else if last.byte != '\n' {
		w.buf = append(w.buf, '\n')
	}
	return nil
}

// lastByte remembers the last byte that passes.
type lastByte struct {
	w    io.Writer
	byte byte
}

// Write passes p on.
func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.byte = p[len(p)-1]
	}
	return l.w.Write(p)
}

// Write adds the live rows.
func (w *writer) Write(_ context.Context, b *record.Batch) error {
	w.rows += int64(len(b.Live))
	if w.table != nil {
		return w.table.take(b)
	}
	if w.merge != nil {
		w.merge.take(b)
		return nil
	}
	from := len(w.buf)
	for _, row := range b.Live {
		w.buf = w.enc.row(w.buf, b, int(row))
	}
	w.hash.Write(w.buf[from:])
	if len(w.buf) < flushBytes {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	_, err := w.out.Write(w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("%w: write %s: %w", connectors.ErrEnvironment, w.temp, err)
	}
	return nil
}

// Commit completes the temporary file and makes it the file, by way of the
// manifest.
func (w *writer) Commit(_ context.Context, ledger connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	unlock, err := w.place.lock()
	if err != nil {
		return connectors.Receipt{}, err
	}
	defer unlock()
	m, err := w.place.read()
	if err != nil {
		return connectors.Receipt{}, err
	}
	if now := m.Positions[owner(w.load)].Epoch; now != w.epoch {
		return connectors.Receipt{}, fmt.Errorf("%w: epoch %d, this run has %d", connectors.ErrFenced, now, w.epoch)
	}
	receipt, err := w.complete()
	if err != nil {
		return receipt, err
	}
	data, err := w.digest()
	if err != nil {
		return receipt, err
	}
	if w.load.Mode == connectors.Replace && m.Data != nil && m.Data.SHA256 == data.SHA256 && w.inPlace(data) {
		receipt = connectors.Receipt{Unchanged: w.rows - int64(len(receipt.Refused)), Refused: receipt.Refused}
	}
	if err := approve(receipt); err != nil {
		return receipt, err
	}
	if err := w.publish(m, data, w.final(ledger, receipt)); err != nil {
		return receipt, err
	}
	w.over = true
	return receipt, w.place.root.Close()
}

// final is the ledger as it is kept.
func (w *writer) final(l connectors.Ledger, r connectors.Receipt) connectors.Ledger {
	l.Counts.Inserted, l.Counts.Changed = r.Inserted, r.Changed
	l.Counts.Unchanged, l.Counts.Deleted = r.Unchanged, r.Deleted
	l.Counts.Refused = int64(len(r.Refused))
	l.Hash = hex.EncodeToString(w.hash.Sum(nil))
	return l
}

// publish writes the manifest, which is the commit, and then the rename that
// follows from it.
func (w *writer) publish(m *manifest, data *dataFile, ledger connectors.Ledger) error {
	pos := connectors.Position{Epoch: w.epoch, LoadID: w.load.ID}
	switch {
	case ledger.After != nil:
		pos = *ledger.After
		pos.Epoch, pos.LoadID = w.epoch, w.load.ID
	case ledger.Before != nil:
		pos = *ledger.Before
		pos.Epoch, pos.LoadID = w.epoch, w.load.ID
	}
	m.Positions[owner(w.load)] = pos
	m.Loads, m.Data = append(m.Loads, ledger), data
	if err := w.place.write(m); err != nil {
		return err
	}
	if err := w.place.publish(w.temp); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
	}
	return nil
}

// complete ends the temporary file and counts what it changes.
func (w *writer) complete() (connectors.Receipt, error) {
	if w.table != nil {
		return w.table.complete()
	}
	if w.merge != nil {
		return w.merge.complete()
	}
	w.buf = w.enc.end(w.buf)
	return connectors.Receipt{Inserted: w.rows}, w.flush()
}

// digest makes the temporary file durable and describes it.
func (w *writer) digest() (*dataFile, error) {
	var err error
	if w.pack != nil {
		err = w.pack.Close()
	}
	if serr := w.file.Sync(); err == nil {
		err = serr
	}
	if cerr := w.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	data := &dataFile{Temp: w.temp, Bytes: w.disk.size}
	if w.disk.whole != nil {
		data.SHA256 = hex.EncodeToString(w.disk.whole.Sum(nil))
	}
	return data, nil
}

// inPlace reports whether the file still is what the last load left, as far
// as its size tells.
func (w *writer) inPlace(data *dataFile) bool {
	info, err := w.place.root.Stat(w.place.data)
	return err == nil && info.Size() == data.Bytes
}

// Abort removes the temporary file.
func (w *writer) Abort(context.Context) error {
	if w.over {
		return nil
	}
	w.over = true
	w.file.Close()
	err := w.place.root.Remove(w.temp)
	w.place.root.Close()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
