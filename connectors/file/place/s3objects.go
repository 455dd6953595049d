package place

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
)

// objects is the little of the API of a bucket that is used. Each method but
// list is one request.
type objects struct {
	core   minio.Core
	bucket string
}

// head looks at one object; its tags of metadata are in lower case.
func (o objects) head(ctx context.Context, key string) (minio.ObjectInfo, map[string]string, error) {
	info, err := o.core.StatObject(ctx, o.bucket, key, minio.StatObjectOptions{})
	meta := make(map[string]string, len(info.UserMetadata))
	for name, value := range info.UserMetadata {
		meta[strings.ToLower(name)] = value
	}
	return info, meta, err
}

// list visits the keys below a prefix up to the next slash, which a key that
// goes on ends with, until visit returns false. It takes a request for every
// thousand.
func (o objects) list(ctx context.Context, prefix string, visit func(minio.ObjectInfo) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range o.core.ListObjectsIter(ctx, o.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if info.Err != nil {
			return info.Err
		}
		if alive(ctx); !visit(info) {
			break
		}
	}
	return nil
}

// any reports whether there are keys below a prefix.
func (o objects) any(ctx context.Context, prefix string) (found bool, err error) {
	err = o.list(ctx, prefix, func(minio.ObjectInfo) bool {
		found = true
		return false
	})
	return found, err
}

// get reads an object from an offset, if it is the one of the tag and size.
func (o objects) get(ctx context.Context, key, tag string, offset, size int64) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetMatchETag(tag); err != nil {
		return nil, err
	}
	if offset > 0 {
		if err := opts.SetRange(offset, 0); err != nil {
			return nil, err
		}
	}
	in, info, header, err := o.core.GetObject(ctx, o.bucket, key, opts)
	switch {
	case err != nil:
		return nil, err
	case offset == 0 && info.Size != size:
		err = io.ErrUnexpectedEOF
	case offset > 0 && header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", offset, size-1, size):
		err = fmt.Errorf("the server does not go on in the middle of an object")
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// read reads an object, as it is now.
func (o objects) read(ctx context.Context, key string) (io.ReadCloser, minio.ObjectInfo, error) {
	in, info, _, err := o.core.GetObject(ctx, o.bucket, key, minio.GetObjectOptions{})
	return in, info, err
}

// put writes a small object, on the condition that the one there has the tag:
// "" stands for none there.
func (o objects) put(ctx context.Context, key string, text []byte, tag string) (string, error) {
	opts := minio.PutObjectOptions{ContentType: "application/json"}
	if tag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(tag)
	}
	sum := sha256.Sum256(text)
	info, err := o.core.PutObject(ctx, o.bucket, key, bytes.NewReader(text), int64(len(text)), "", hex.EncodeToString(sum[:]), opts)
	return info.ETag, err
}

// begin opens an upload that bears the name of its load.
func (o objects) begin(ctx context.Context, key, load string) (string, error) {
	return o.core.NewMultipartUpload(ctx, o.bucket, key, minio.PutObjectOptions{UserMetadata: map[string]string{loadMeta: load}})
}

// part uploads one part and gives its tag.
func (o objects) part(ctx context.Context, key, upload string, number int, from io.ReadSeeker, size int64) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, from); err != nil {
		return "", environment(err)
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return "", environment(err)
	}
	part, err := o.core.PutObjectPart(ctx, o.bucket, key, upload, number, &reported{ctx: ctx, ReadSeeker: from}, size,
		minio.PutObjectPartOptions{Sha256Hex: hex.EncodeToString(sum.Sum(nil))})
	return part.ETag, err
}

// reported says that bytes move.
type reported struct {
	ctx context.Context
	io.ReadSeeker
}

// Read reads on.
func (r *reported) Read(p []byte) (int, error) {
	alive(r.ctx)
	return r.ReadSeeker.Read(p)
}

// complete makes an upload the object.
func (o objects) complete(ctx context.Context, key, upload string, tags []string) error {
	parts := make([]minio.CompletePart, len(tags))
	for i, tag := range tags {
		parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: tag}
	}
	_, err := o.core.CompleteMultipartUpload(ctx, o.bucket, key, upload, parts, minio.PutObjectOptions{})
	return err
}

// abort forgets an upload; one that is not there is no error.
func (o objects) abort(ctx context.Context, key, upload string) error {
	err := o.core.AbortMultipartUpload(ctx, o.bucket, key, upload)
	if gone(err) {
		return nil
	}
	return err
}

// gone reports that there is no such object or upload.
func gone(err error) bool {
	var reply minio.ErrorResponse
	return errors.As(err, &reply) && (reply.StatusCode == http.StatusNotFound && reply.Code != minio.NoSuchBucket || reply.Code == minio.NoSuchUpload || reply.Code == minio.NoSuchKey)
}

// refused reports that the condition of a write did not hold.
func refused(err error) bool {
	var reply minio.ErrorResponse
	return errors.As(err, &reply) && (reply.StatusCode == http.StatusPreconditionFailed || reply.StatusCode == http.StatusConflict)
}
