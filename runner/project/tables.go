package project

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// tableRows bounds what a lookup table may hold in memory.
const tableRows = 5_000_000

// tables reads lookup tables: mapping files of the project, and streams of
// its connections. Each is read once, and hashed for the ledger.
type tables struct {
	ctx      context.Context
	dir      string // the project's folder
	env      connectors.Env
	registry *connectors.Registry
	stream   func(connection, stream string) (connectors.Source, connectors.Read, error)
	remote   bool // streams of connections may be opened
	read     map[string]*record.Batch
	hashes   map[string]string
	links    func(from, to string) (*record.Batch, error)
}

// isFile tells a mapping file from connection.stream by its extension.
func isFile(ref string) bool {
	switch strings.ToLower(path.Ext(ref)) {
	case ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx", ".xlsm", ".xml", ".parquet", ".gz", ".zip":
		return true
	}
	return strings.Contains(ref, "/")
}

func (t *tables) open(ref string) (connectors.Source, connectors.Read, error) {
	if isFile(ref) {
		src, err := openFiles(t.registry, t.env, t.dir, nil)
		return src, connectors.Read{Stream: ref}, err
	}
	connection, stream, ok := strings.Cut(ref, ".")
	if !ok {
		return nil, connectors.Read{}, fmt.Errorf("%q is neither a file of the project nor connection.stream", ref)
	}
	return t.stream(connection, stream)
}

// Shape tells the fields of a table without reading its rows. Tables behind
// a connection are looked at only in a run.
func (t *tables) Shape(ref string) (*record.Shape, error) {
	if b := t.read[ref]; b != nil {
		return b.Shape, nil
	}
	if _, _, linked := transforms.ParseLinkTable(ref); linked {
		return linkShape(), nil
	}
	if !isFile(ref) && !t.remote {
		return nil, nil
	}
	src, read, err := t.open(ref)
	if err != nil {
		return nil, err
	}
	shaper, can := src.(connectors.Shaper)
	if !can {
		return nil, nil
	}
	return shaper.Fields(t.ctx, read)
}

// Rows reads a table whole. A row that cannot be read fails the run: a
// mapping with a hole would be worse than none.
func (t *tables) Rows(ref string) (*record.Batch, error) {
	if b := t.read[ref]; b != nil {
		return b, nil
	}
	all, err := t.rows(ref)
	if err != nil {
		return nil, err
	}
	if t.read == nil {
		t.read, t.hashes = make(map[string]*record.Batch), make(map[string]string)
	}
	t.read[ref], t.hashes[ref] = all, hashTable(all)
	return all, nil
}

func (t *tables) rows(ref string) (*record.Batch, error) {
	if from, to, linked := transforms.ParseLinkTable(ref); linked {
		return t.links(from, to)
	}
	src, read, err := t.open(ref)
	if err != nil {
		return nil, err
	}
	r, err := src.Open(t.ctx, read)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readTable(t.ctx, r)
}

func readTable(ctx context.Context, r connectors.Reader) (*record.Batch, error) {
	all := new(record.Batch)
	all.Reset(r.Shape(), 0)
	var b record.Batch
	for {
		err := r.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b.Held) > 0 {
			return nil, fmt.Errorf("%s: %s", document.Code(b.Held[0].Code), b.Held[0].Message)
		}
		if all.Rows+len(b.Live) > tableRows {
			return nil, fmt.Errorf("the table has more than %d rows", tableRows)
		}
		all.Append(&b, b.Live)
	}
}

func hashTable(b *record.Batch) string {
	h := sha256.New()
	var line []byte
	for row := range b.Rows {
		line = append(record.AppendRowJSON(line[:0], b, row), '\n')
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// openFiles is the file connector on a folder.
func openFiles(r *connectors.Registry, env connectors.Env, dir string, options any) (connectors.Source, error) {
	def := r.Lookup(fileConnector)
	if def == nil {
		return nil, errors.New("this program was built without the file connector")
	}
	settings := def.Connection()
	var report document.Report
	docs := document.Parse("connection", fmt.Appendf(nil, "path: %q\n", dir), &report)
	if len(docs) == 1 {
		(&document.Decoder{Report: &report}).Decode(docs[0].Root, settings)
	}
	if err := report.Err(); err != nil {
		return nil, err
	}
	if options == nil {
		options = def.Source()
	}
	return def.NewSource(env, settings, options)
}
