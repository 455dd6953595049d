package place_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/connectors/file"
	"github.com/tieout/tieout/schemas/document"
)

func TestMain(m *testing.M) { os.Exit(servers.Run(m, servers.SFTPServer(), servers.S3Server())) }

// remote is an empty folder far away.
type remote struct {
	conn *file.Connection
	put  func(t *testing.T, name string, text []byte)
	get  func(t *testing.T, name string) []byte // nil when there is none
	list func(t *testing.T) []string            // everything in it, sorted
}

// remotes are the places that are not of this machine.
var remotes = map[string]func(*testing.T) remote{"sftp": sftpRemote, "s3": s3Remote}

func sftpRemote(t *testing.T) remote {
	f := servers.SFTP(t)
	return remote{
		conn: &file.Connection{Path: file.Folder{Text: text(f.URL())}, PrivateKey: document.NewSecret("private_key", f.PrivateKey), KnownHosts: text(f.KnownHosts)},
		put: func(t *testing.T, name string, text []byte) {
			t.Helper()
			if err := os.MkdirAll(filepath.Dir(f.Path(name)), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.Path(name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		get: func(t *testing.T, name string) []byte {
			text, err := os.ReadFile(f.Path(name))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return text
		},
		list: func(t *testing.T) []string {
			var names []string
			filepath.WalkDir(f.Folder, func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					name, _ := filepath.Rel(f.Folder, path)
					names = append(names, name)
				}
				return err
			})
			return names
		},
	}
}

func s3Remote(t *testing.T) remote {
	b := servers.S3(t)
	const folder = "inbox/of ours"
	ctx := context.Background()
	return remote{
		conn: &file.Connection{Path: file.Folder{Text: text("s3://" + b.Name + "/" + folder)}, Endpoint: text(b.Endpoint), Region: text("us-east-1"),
			AccessKey: document.NewSecret("access_key", b.AccessKey), SecretKey: document.NewSecret("secret_key", b.SecretKey)},
		put: func(t *testing.T, name string, text []byte) {
			t.Helper()
			if _, err := b.Client.PutObject(ctx, b.Name, folder+"/"+name, bytes.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		},
		get: func(t *testing.T, name string) []byte {
			in, err := b.Client.GetObject(ctx, b.Name, folder+"/"+name, minio.GetObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			var text bytes.Buffer
			if _, err := text.ReadFrom(in); err != nil {
				return nil
			}
			return text.Bytes()
		},
		list: func(t *testing.T) []string {
			var names []string
			for o := range b.Client.ListObjects(ctx, b.Name, minio.ListObjectsOptions{Recursive: true, Prefix: folder + "/"}) {
				names = append(names, strings.TrimPrefix(o.Key, folder+"/"))
			}
			core := minio.Core{Client: b.Client}
			open, err := core.ListMultipartUploads(ctx, b.Name, "", "", "", "", 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range open.Uploads {
				names = append(names, "upload of "+u.Key)
			}
			return names
		},
	}
}

func (r remote) env(t *testing.T) connectors.Env {
	return connectors.Env{Dir: t.TempDir(), Spool: filepath.Join(t.TempDir(), "spool"), Limits: connectors.DefaultLimits(), Now: time.Now}
}

func (r remote) source(t *testing.T) connectors.Source {
	t.Helper()
	src, err := file.Definition().NewSource(r.env(t), r.conn, new(file.SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (r remote) sink(t *testing.T) connectors.Sink {
	t.Helper()
	sink, err := file.Definition().NewSink(r.env(t), r.conn, new(file.SinkOptions))
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func text(s string) document.Text { return document.TextAt(s, document.Position{}) }

// The sinks of all places pass the same suite as a local folder.
func TestRemoteSinkConformance(t *testing.T) {
	streams := map[string][]string{"sftp": {"below/out.csv.gz"}, "s3": {"out.csv", "below/out.jsonl.gz"}}
	for kind, at := range remotes {
		for _, stream := range streams[kind] {
			t.Run(kind+" "+stream, func(t *testing.T) {
				connectortest.RunSink(t, connectortest.SinkHarness{
					Modes: []connectors.Mode{connectors.Append, connectors.Upsert},
					New: func(t *testing.T) connectortest.SinkTarget {
						r := at(t)
						return connectortest.SinkTarget{Sink: r.sink(t), Source: r.source(t), Stream: stream, Odd: `odd "name" é` + strings.TrimPrefix(strings.TrimPrefix(stream, "below/"), "out"), Names: true}
					},
				})
			})
		}
	}
}

func TestRemoteSourceConformance(t *testing.T) {
	for kind, at := range remotes {
		for _, stream := range []string{"in.csv", "in.zip"} {
			t.Run(kind+" "+stream, func(t *testing.T) {
				connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
					r := at(t)
					return connectortest.SourceTarget{Source: r.source(t), Stream: stream, Fill: func(t *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
						name, data := "in.csv", csvOf(columns, rows)
						if stream == "in.zip" {
							name, data = stream, zipOf(t, "in.csv", data)
						}
						r.put(t, name, data)
					}}
				}})
			})
		}
	}
}

func csvOf(columns []connectortest.Column, rows []connectortest.Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.Name
	}
	w.Write(line)
	for _, row := range rows {
		for i, c := range columns {
			line[i] = row[c.Name]
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}

func zipOf(t *testing.T, name string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(text)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
