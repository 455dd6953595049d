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
	buf    []byte
	hash   hash.Hash // over the records of this load
	whole  hash.Hash // over the whole file, when a replace may find it unchanged; else nil
	size   int64
	rows   int64
	merge  *merge // for an upsert
	over   bool
}

const flushBytes = 256 << 10

func openWriter(p place, format string, safe bool, load connectors.Load, epoch int64) (*writer, error) {
	delimiter := byte(',')
	if strings.EqualFold(path.Ext(load.Stream), ".tsv") {
		delimiter = '\t'
	}
	w := &writer{place: p, format: format, load: load, epoch: epoch, temp: p.temp(load.ID), hash: sha256.New(),
		enc: newEncoder(format, delimiter, safe)}
	if load.Mode == connectors.Replace {
		w.whole = sha256.New()
	}
	f, err := p.root.OpenFile(w.temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	w.file = f
	if err := w.start(delimiter); err != nil {
		f.Close()
		p.root.Remove(w.temp)
		return nil, err
	}
	return w, nil
}

// start writes what stands before the records of this load: the header, and
// for an append what the file holds already.
func (w *writer) start(delimiter byte) error {
	head := w.enc.begin(nil, w.load.Shape)
	if w.load.Mode == connectors.Replace {
		w.buf = head
		return nil
	}
	old, err := w.place.root.Open(w.place.data)
	if errors.Is(err, fs.ErrNotExist) {
		old = nil
	} else if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if old != nil {
		defer old.Close()
		if err := w.sameHeader(old, head); err != nil {
			return err
		}
	}
	if w.load.Mode == connectors.Upsert {
		w.merge = newMerge(w, delimiter, head)
		return nil
	}
	if old == nil {
		w.buf = head
		return nil
	}
	return w.copyOld(old)
}

// sameHeader refuses to add records under other columns.
func (w *writer) sameHeader(old *os.File, head []byte) error {
	if w.format != "csv" {
		return nil
	}
	first := make([]byte, len(head)+3)
	n, err := io.ReadFull(old, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	got := bytes.TrimPrefix(first[:n], []byte("\xef\xbb\xbf"))
	if n > 0 && !bytes.HasPrefix(got, head) {
		line, _, _ := bytes.Cut(got, []byte{'\n'})
		return fmt.Errorf("%w: %s has other columns: its first line begins %q, this load writes %q; write to another file, or use mode: replace",
			connectors.ErrConfig, w.place.data, line, bytes.TrimSpace(head))
	}
	_, err = old.Seek(0, io.SeekStart)
	return err
}

func (w *writer) copyOld(old *os.File) error {
	n, err := io.Copy(w.file, old)
	w.size = n
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	if n == 0 {
		w.buf = w.enc.begin(nil, w.load.Shape)
		return nil
	}
	last := make([]byte, 1)
	if _, err := old.ReadAt(last, n-1); err == nil && last[0] != '\n' {
		w.buf = append(w.buf, '\n')
	}
	return nil
}

// Write adds the live rows.
func (w *writer) Write(_ context.Context, b *record.Batch) error {
	w.rows += int64(len(b.Live))
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
	_, err := w.file.Write(w.buf)
	w.size += int64(len(w.buf))
	if w.whole != nil {
		w.whole.Write(w.buf)
	}
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
		receipt = connectors.Receipt{Unchanged: w.rows}
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
	if w.merge != nil {
		return w.merge.complete()
	}
	w.buf = w.enc.end(w.buf)
	return connectors.Receipt{Inserted: w.rows}, w.flush()
}

// digest makes the temporary file durable and describes it.
func (w *writer) digest() (*dataFile, error) {
	err := w.file.Sync()
	if cerr := w.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	data := &dataFile{Temp: w.temp, Bytes: w.size}
	if w.whole != nil {
		data.SHA256 = hex.EncodeToString(w.whole.Sum(nil))
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
