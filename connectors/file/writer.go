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
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/record"
)

// writer writes one load into a temporary file.
type writer struct {
	target written
	format string
	load   connectors.Load
	epoch  int64
	base   string // the last load there when this one began
	enc    encoder
	parcel place.Parcel
	file   *os.File  // of this machine
	out    io.Writer // onto file, by way of disk
	disk   *tally
	pack   *gzip.Writer // between them when the file is packed; else nil
	buf    []byte
	hash   hash.Hash // over the records of this load
	rows   int64
	merge  *merge    // for an upsert
	table  *columnar // for a Parquet file
	copied *disk     // holds the file as it is, where that is far away
	copyOf place.Entry
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

// open prepares the writing of records.
func (w *writer) open(ctx context.Context, safe bool) error {
	delimiter := byte(',')
	if strings.EqualFold(path.Ext(plain(w.load.Stream)), ".tsv") {
		delimiter = '\t'
	}
	w.hash, w.enc, w.disk = sha256.New(), newEncoder(w.format, delimiter, safe), &tally{file: w.file}
	if w.load.Mode == connectors.Replace {
		w.disk.whole = sha256.New()
	}
	w.out = w.disk
	if gzipped(w.load.Stream) {
		w.pack = gzip.NewWriter(w.disk)
		w.out = w.pack
	}
	return w.start(ctx, delimiter)
}

// start writes what stands before the records of this load: the header, and
// for an append what the file holds already.
func (w *writer) start(ctx context.Context, delimiter byte) (err error) {
	if w.format == "parquet" {
		w.table, err = newColumnar(ctx, w)
		return err
	}
	head := w.enc.begin(nil, w.load.Shape)
	if w.load.Mode == connectors.Replace {
		w.buf = head
		return nil
	}
	there, err := w.sameHeader(ctx, head, delimiter)
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
	return w.copyOld(ctx, head)
}

// old opens the file as it is, unpacked; nil when there is none.
func (w *writer) old(ctx context.Context) (io.ReadCloser, error) {
	e, err := w.target.store.Stat(ctx, w.target.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if w.copied == nil || w.copyOf != e {
		w.forget()
		w.copied, w.copyOf = newDisk(ctx, lent{w.target.store}), e
		w.copied.entries[e.Name] = e
		if err := w.copied.fetch([]input{{file: e.Name}}, w.target.spool); err != nil {
			return nil, err
		}
	}
	return w.copied.open(input{file: e.Name})
}

// forget lets go of the copy of the file.
func (w *writer) forget() {
	if w.copied != nil {
		w.copied.Close()
		w.copied = nil
	}
}

// sameHeader refuses to add records under other columns; there reports
// whether there is a file to add to.
func (w *writer) sameHeader(ctx context.Context, head []byte, delimiter byte) (there bool, err error) {
	old, err := w.old(ctx)
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
		has := headerNames(io.MultiReader(bytes.NewReader(got), io.LimitReader(old, int64(connectors.DefaultLimits().RecordBytes))), delimiter)
		return true, w.otherColumns(fmt.Sprintf("its first line begins %q, this load writes %q", line, bytes.TrimSpace(head)), has)
	}
	return true, nil
}

// copyOld begins the file with what it holds already.
func (w *writer) copyOld(ctx context.Context, head []byte) error {
	old, err := w.old(ctx)
	if err != nil {
		return err
	}
	defer old.Close()
	last := lastByte{w: w.out}
	n, err := io.Copy(&last, old)
	if err != nil {
		return fmt.Errorf("%w: copy %s: %w", connectors.ErrEnvironment, w.target.name, err)
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
		return fmt.Errorf("%w: write %s: %w", connectors.ErrEnvironment, w.target.name, err)
	}
	return nil
}

// Commit completes the temporary file and makes it the file, by way of the
// manifest.
func (w *writer) Commit(ctx context.Context, ledger connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	release, err := w.target.store.Claim(ctx, w.target.name)
	if err != nil {
		return connectors.Receipt{}, err
	}
	defer release()
	m, err := w.target.read(ctx)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if now := m.Positions[owner(w.load)].Epoch; now != w.epoch {
		return connectors.Receipt{}, fmt.Errorf("%w: epoch %d, this run has %d", connectors.ErrFenced, now, w.epoch)
	}
	if w.load.Mode == connectors.Append && m.last() != w.base {
		return connectors.Receipt{}, w.overtaken()
	}
	receipt, err := w.complete(ctx)
	if err != nil {
		return receipt, err
	}
	if err := w.deposit(ctx); err != nil {
		return receipt, err
	}
	if w.load.Mode == connectors.Replace && m.Data != nil && m.Data.SHA256 == w.parcel.SHA256 && w.inPlace(ctx) {
		receipt = connectors.Receipt{Unchanged: w.rows - int64(len(receipt.Refused)), Refused: receipt.Refused}
	}
	if err := approve(receipt); err != nil {
		return receipt, err
	}
	if err := w.publish(ctx, m, w.final(ledger, receipt)); err != nil {
		return receipt, err
	}
	w.over = true
	w.forget()
	w.target.store.Close()
	return receipt, nil
}

// overtaken says that the file is not the one this load was made for.
func (w *writer) overtaken() error {
	return fmt.Errorf("%w: another load was committed to %s since this one began; run it again", connectors.ErrEnvironment, w.target.name)
}

// final is the ledger as it is kept.
func (w *writer) final(l connectors.Ledger, r connectors.Receipt) connectors.Ledger {
	l.Counts.Inserted, l.Counts.Changed = r.Inserted, r.Changed
	l.Counts.Unchanged, l.Counts.Deleted = r.Unchanged, r.Deleted
	l.Counts.Refused = int64(len(r.Refused))
	l.Hash = hex.EncodeToString(w.hash.Sum(nil))
	return l
}

// publish writes the manifest, which is the commit, and then makes the data
// the file, which follows from it.
func (w *writer) publish(ctx context.Context, m *manifest, ledger connectors.Ledger) error {
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
	m.Loads, m.Data = append(m.Loads, ledger), &w.parcel
	delete(m.Open, owner(w.load))
	switch err := w.target.write(ctx, m); {
	case errors.Is(err, place.ErrStale):
		return w.overtaken()
	case errors.Is(err, place.ErrUnknown):
		w.over = true // Settle tells what is to be removed
		return fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
	case err != nil:
		return err
	}
	w.over = true // nothing is undone from here on
	if err := w.target.publish(ctx, w.parcel); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
	}
	if w.parcel.Upload == "" {
		return nil
	}
	// Noted, so that nobody looks for the upload again. Whoever comes first
	// does it where this does not.
	m.Data.Upload, m.Data.Parts = "", nil
	_ = w.target.write(ctx, m)
	return nil
}

// complete ends the temporary file and counts what it changes.
func (w *writer) complete(ctx context.Context) (connectors.Receipt, error) {
	if w.table != nil {
		return w.table.complete(ctx)
	}
	if w.merge != nil {
		return w.merge.complete(ctx)
	}
	w.buf = w.enc.end(w.buf)
	return connectors.Receipt{Inserted: w.rows}, w.flush()
}

// deposit brings the temporary file to its place and describes it.
func (w *writer) deposit(ctx context.Context) error {
	if w.pack != nil {
		if err := w.pack.Close(); err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
		}
	}
	w.parcel.Bytes = w.disk.size
	if w.disk.whole != nil {
		w.parcel.SHA256 = hex.EncodeToString(w.disk.whole.Sum(nil))
	}
	return w.target.store.Deposit(ctx, w.target.name, w.file, &w.parcel)
}

// inPlace reports whether the file still is what the last load left, as far
// as its size tells.
func (w *writer) inPlace(ctx context.Context) bool {
	e, err := w.target.store.Stat(ctx, w.target.name)
	return err == nil && e.Size == w.parcel.Bytes
}

// Abort removes the temporary file.
func (w *writer) Abort(ctx context.Context) error {
	defer w.target.store.Close()
	w.forget()
	w.file.Close()
	if w.over {
		return nil
	}
	w.over = true
	return w.target.store.Discard(ctx, w.target.name, w.parcel)
}
