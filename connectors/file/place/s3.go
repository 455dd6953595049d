package place

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// s3Folder is the part of a bucket whose keys begin with a folder.
type s3Folder struct {
	settings Settings
	bucket   string
	prefix   string // "" or a folder without its last slash
	shown    string
	sealed   bool // by TLS, which notices every missing byte
	api      objects
	close    func()
}

func newS3(s Settings, at Path) (Store, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		if s.Region == "" {
			return nil, fmt.Errorf("%w: an s3:// path needs region, or endpoint where the service is not that of AWS", connectors.ErrConfig)
		}
		endpoint = "https://s3." + s.Region + ".amazonaws.com"
	}
	switch {
	case !s.AccessKey.Given() || !s.SecretKey.Given():
		return nil, fmt.Errorf("%w: an s3:// path needs access_key and secret_key", connectors.ErrConfig)
	case strings.Contains(endpoint, "@") || strings.ContainsAny(endpoint, "?#"):
		return nil, fmt.Errorf("%w: endpoint is https://host[:port] and no more", connectors.ErrConfig)
	}
	if s.Region == "" {
		s.Region = "us-east-1"
	}
	shown, err := web.Origin(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%w: endpoint is https://host[:port] and no more", connectors.ErrConfig)
	}
	f := &s3Folder{settings: s, bucket: at.Host, prefix: clean(at.Folder), shown: "s3://" + path.Join(at.Host, clean(at.Folder))}
	return f, f.open(u, shown)
}

// open makes the client. Its requests go to the endpoint and, where buckets
// are names of hosts, to the one of the bucket.
func (f *s3Folder) open(u *url.URL, origin string) error {
	s := &f.settings
	inPath := s.Endpoint != ""
	if s.PathStyle != nil {
		inPath = *s.PathStyle
	}
	origins, lookup := []string{origin}, minio.BucketLookupPath
	if !inPath {
		origins, lookup = append(origins, u.Scheme+"://"+f.bucket+"."+u.Host), minio.BucketLookupDNS
	}
	roots, err := s.authorities()
	if err != nil {
		return err
	}
	client, err := web.New(web.Options{Origins: origins, Now: s.Now, Roots: roots})
	if err != nil {
		return err
	}
	f.close, f.sealed = client.Close, u.Scheme == "https"
	mc, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey.Reveal(), s.SecretKey.Reveal(), s.Token.Reveal()),
		Secure: u.Scheme == "https", Region: s.Region, BucketLookup: lookup, Transport: client.Transport(), MaxRetries: 1})
	if err != nil {
		return fmt.Errorf("%w: endpoint: %w", connectors.ErrConfig, err)
	}
	f.api = objects{core: minio.Core{Client: mc}, bucket: f.bucket}
	return nil
}

// authorities are those that ca_file adds to the system's.
func (s *Settings) authorities() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	text, err := s.fileOr(s.CAFile, "-----BEGIN")
	if err != nil {
		return nil, fmt.Errorf("%w: ca_file: %w", connectors.ErrConfig, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%w: ca_file holds no certificate", connectors.ErrConfig)
	}
	return pool, nil
}

// String gives s3://bucket/folder.
func (f *s3Folder) String() string { return f.shown }

// Close ends idle connections.
func (f *s3Folder) Close() { f.close() }

// key is the key of a name.
func (f *s3Folder) key(name string) string { return path.Join(f.prefix, name) }

// do asks once more while the server, or the way there, is at fault. It is cut
// off when nothing moves for a while.
func (f *s3Folder) do(ctx context.Context, ask func(ctx context.Context) error) error {
	return again(ctx, lostS3, func(ctx context.Context) error {
		inner, cancel := context.WithCancelCause(ctx)
		w := newWatch(f.settings.Timeout, func() { cancel(errLate) })
		err := ask(moving(inner, w))
		w.end()
		if errors.Is(context.Cause(inner), errLate) && err != nil {
			err = errLate
		}
		cancel(nil)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	})
}

// errLate says that a server did not answer in time.
var errLate = fmt.Errorf("%w: it did not answer in time", connectors.ErrEnvironment)

type movingKey struct{}

// moving lets alive find the watch.
func moving(ctx context.Context, w *watch) context.Context {
	return context.WithValue(ctx, movingKey{}, w)
}

// alive says that bytes move.
func alive(ctx context.Context) {
	if w, ok := ctx.Value(movingKey{}).(*watch); ok {
		w.alive()
	}
}

// lostS3 reports errors that another try may not have.
func lostS3(err error) bool {
	var network net.Error
	var number syscall.Errno
	switch status := statusOf(err); {
	case errors.Is(err, connectors.ErrConfig), errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, errLate), status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return true
	case status != 0:
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) || errors.As(err, &number)
}

func statusOf(err error) int {
	var reply minio.ErrorResponse
	if !errors.As(err, &reply) {
		return 0
	}
	if reply.Code == "RequestTimeout" || reply.Code == "IncompleteBody" {
		return http.StatusRequestTimeout // the body did not arrive whole
	}
	return reply.StatusCode
}

// explain words what a server answered.
func (f *s3Folder) explain(what, name string, err error) error {
	if err == nil {
		return nil
	}
	at := strings.TrimSuffix(f.shown+"/"+name, "/.")
	var reply minio.ErrorResponse
	if errors.As(err, &reply) {
		switch {
		case reply.Code == minio.NoSuchBucket:
			return fmt.Errorf("%w: there is no bucket %q", connectors.ErrEnvironment, f.bucket)
		case reply.StatusCode == http.StatusForbidden:
			return fmt.Errorf("%w: auth.refused: %s %s: the server refuses (%s); see access_key, secret_key, region and the rights of the key", connectors.ErrEnvironment, what, at, reply.Code)
		}
		return fmt.Errorf("%w: %s %s: %s (%s)", connectors.ErrEnvironment, what, at, reply.Message, reply.Code)
	}
	return fmt.Errorf("%s %s: %w", what, at, environment(err))
}
