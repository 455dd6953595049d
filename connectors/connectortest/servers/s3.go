package servers

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Gateway is the server the tests of s3 need, in the version they were
// written with.
const s3Gateway = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// S3Server is a server that keeps objects in the way of S3.
func S3Server() Server {
	return Server{Name: "versitygw", Variable: "TIEOUT_TEST_S3", Remedy: "go install " + s3Gateway, answers: speaksHTTP}
}

// Bucket is an empty bucket of an S3 server.
type Bucket struct {
	Endpoint             string
	AccessKey, SecretKey string
	Name                 string
	// Client is one for the test to look into the bucket with.
	Client *minio.Client
}

// Settings are the keys of a connection to a folder of the bucket, "" for all
// of it, as YAML in one line.
func (b Bucket) Settings(folder string) string {
	return fmt.Sprintf("connector: file, path: %q, endpoint: %q, region: us-east-1, access_key: %q, secret_key: %q", "s3://"+b.Name+"/"+folder, b.Endpoint, b.AccessKey, b.SecretKey)
}

// S3 gives a bucket of the test's own, in the way Postgres gives a database.
func S3(t testing.TB) Bucket {
	t.Helper()
	u, err := url.Parse(S3Server().base(t))
	if err != nil || u.User == nil {
		t.Fatalf("%s is not a URL with a user and a password", S3Server().Variable)
	}
	secret, _ := u.User.Password()
	b := Bucket{Endpoint: u.Scheme + "://" + u.Host, AccessKey: u.User.Username(), SecretKey: secret}
	b.Client, err = minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(b.AccessKey, b.SecretKey, ""), Secure: u.Scheme == "https", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	b.Name = "tieout-test-" + hex.EncodeToString(random[:])
	ctx := context.Background()
	if err := b.Client.MakeBucket(ctx, b.Name, minio.MakeBucketOptions{Region: "us-east-1"}); err != nil {
		t.Fatalf("create a bucket for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := b.remove(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("remove the bucket of the test: %v", err)
		}
	})
	return b
}

// remove empties the bucket and takes it away.
func (b Bucket) remove(ctx context.Context) error {
	for o := range b.Client.ListObjects(ctx, b.Name, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		if err := b.Client.RemoveObject(ctx, b.Name, o.Key, minio.RemoveObjectOptions{}); err != nil {
			return err
		}
	}
	core := minio.Core{Client: b.Client}
	open, err := core.ListMultipartUploads(ctx, b.Name, "", "", "", "", 1000)
	if err != nil {
		return err
	}
	for _, u := range open.Uploads {
		if err := core.AbortMultipartUpload(ctx, b.Name, u.Key, u.UploadID); err != nil {
			return err
		}
	}
	return b.Client.RemoveBucket(ctx, b.Name)
}

// speaksHTTP waits for any reply.
func speaksHTTP(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.Host); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "HTTP/1.1 ") {
		err = fmt.Errorf("%q is no reply of HTTP", line)
	}
	return err
}
