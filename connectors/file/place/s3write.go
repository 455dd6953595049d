package place

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tieout/tieout/connectors"
)

// Beside a written object out.csv stands .out.csv.tieout.json, its ledger. It
// is replaced on the condition that it still has the tag it was read with. The
// content of a load is a multipart upload that the ledger names and that is
// completed once the ledger is: a server completes an upload once, so that
// nobody who comes late can bring an older load back.

// loadMeta is the metadata that says which load an object is of.
const loadMeta = "tieout-load"

// partBytes is the size of a part; of a large file, as many more as 10,000
// parts need.
const partBytes = 16 << 20

func (f *s3Folder) ledgerKey(name string) string { return f.key(beside(name, ".json")) }

// Prepare makes sure that the server keeps conditions: one that does not know
// them would write all the same.
func (f *s3Folder) Prepare(ctx context.Context, name string) error {
	check, text := f.key(beside(name, "-check")), []byte("{}")
	err := f.do(ctx, func(ctx context.Context) error {
		if _, err := f.api.put(ctx, check, text, ""); err != nil && !refused(err) {
			return err
		}
		for _, tag := range []string{"", "00000000000000000000000000000000"} {
			switch _, err := f.api.put(ctx, check, text, tag); {
			case err == nil:
				return fmt.Errorf("%w: the server writes whatever the conditions of a request say (If-Match, If-None-Match), so that two loads could overwrite each other; read from there, and write somewhere else", connectors.ErrConfig)
			case !refused(err):
				return err
			}
		}
		return nil
	})
	return f.explain("write", name, err)
}

// Claim does nothing: Swap needs no lock.
func (f *s3Folder) Claim(context.Context, string) (func(), error) { return func() {}, nil }

// Ledger reads the ledger; its version is its tag.
func (f *s3Folder) Ledger(ctx context.Context, name string) (text []byte, version string, err error) {
	err = f.do(ctx, func(ctx context.Context) error {
		text, version = nil, ""
		in, info, err := f.api.read(ctx, f.ledgerKey(name)) // the text and its tag in one answer
		if gone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer in.Close()
		if info.Size > maxLedger {
			return fmt.Errorf("%w: it is larger than a ledger can be", connectors.ErrEnvironment)
		}
		text, err = io.ReadAll(io.LimitReader(in, info.Size+1))
		if err == nil && int64(len(text)) != info.Size {
			err = io.ErrUnexpectedEOF
		}
		version = info.ETag
		return err
	})
	return text, version, f.explain("read the ledger of", name, err)
}

// Swap replaces the ledger on the condition of its tag. An answer that did not
// come is looked for in what is there.
func (f *s3Folder) Swap(ctx context.Context, name string, text []byte, version string) (string, error) {
	asked := false
	tag := ""
	err := f.do(ctx, func(ctx context.Context) (err error) {
		tag, err = f.api.put(ctx, f.ledgerKey(name), text, version)
		asked = asked || err != nil && lostS3(err)
		if refused(err) || gone(err) {
			return ErrStale
		}
		return err
	})
	switch {
	case err == nil:
		return tag, nil
	case errors.Is(err, ErrStale):
		there, now, rerr := f.Ledger(ctx, name)
		switch {
		case rerr != nil && asked:
			return "", fmt.Errorf("%w: %w: %w", connectors.ErrEnvironment, ErrUnknown, rerr)
		case rerr == nil && asked && bytes.Equal(there, text):
			return now, nil
		case rerr == nil && asked:
			return "", fmt.Errorf("%w: %w", connectors.ErrEnvironment, ErrUnknown)
		}
		return "", fmt.Errorf("%w: %w", connectors.ErrEnvironment, ErrStale)
	case asked || ctx.Err() != nil:
		return "", fmt.Errorf("%w: %w: %w", connectors.ErrEnvironment, ErrUnknown, err)
	}
	return "", f.explain("write the ledger of", name, err)
}

// Stage opens a file of this machine, and the upload it goes into.
func (f *s3Folder) Stage(ctx context.Context, name, load string) (*os.File, Parcel, error) {
	p := Parcel{Load: load}
	err := f.do(ctx, func(ctx context.Context) (err error) {
		p.Upload, err = f.api.begin(ctx, f.key(name), load)
		return err
	})
	if err != nil {
		return nil, p, f.explain("write", name, err)
	}
	file, err := unnamed(f.settings.Spool)
	return file, p, err
}

// Deposit uploads the parts.
func (f *s3Folder) Deposit(ctx context.Context, name string, staged *os.File, p *Parcel) error {
	defer staged.Close()
	info, err := staged.Stat()
	if err != nil {
		return environment(err)
	}
	size := max(partBytes, (info.Size()+9_998)/9_999)
	p.Parts = nil
	for from := int64(0); from < info.Size() || from == 0; from += size {
		length := min(size, info.Size()-from)
		tag := ""
		err := f.do(ctx, func(ctx context.Context) (err error) {
			tag, err = f.api.part(ctx, f.key(name), p.Upload, len(p.Parts)+1, io.NewSectionReader(staged, from, length), length)
			return err
		})
		if err != nil {
			return f.explain("write", name, err)
		}
		p.Parts = append(p.Parts, tag)
	}
	return nil
}

// Publish completes the upload. One that is not there was completed by
// somebody: then the object bears the name of its load, or of a later one.
func (f *s3Folder) Publish(ctx context.Context, name string, p Parcel) error {
	if p.Upload == "" {
		return nil
	}
	err := f.do(ctx, func(ctx context.Context) error {
		err := f.api.complete(ctx, f.key(name), p.Upload, p.Parts)
		if !gone(err) {
			return err
		}
		_, meta, err := f.api.head(ctx, f.key(name))
		if err != nil && !gone(err) {
			return err
		}
		if meta[loadMeta] != p.Load {
			return fmt.Errorf("%w: the load %s was committed, and its content is gone: the upload was removed before it was completed, by a rule of the bucket or by hand; load it again with --full-refresh, or put the file back", connectors.ErrEnvironment, p.Load)
		}
		return nil
	})
	return f.explain("write", name, err)
}

// Discard forgets an upload.
func (f *s3Folder) Discard(ctx context.Context, name string, p Parcel) error {
	if p.Upload == "" {
		return nil
	}
	err := f.do(ctx, func(ctx context.Context) error { return f.api.abort(ctx, f.key(name), p.Upload) })
	return f.explain("remove an upload of", name, err)
}
