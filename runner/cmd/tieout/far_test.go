package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// Files far away: a folder on an SFTP server and one in a bucket, each with a
// folder of its own for every project.

// farScenes are the scenes of sinks far away.
func farScenes(t *testing.T) []scene {
	sftp, bucket := servers.SFTP(t), servers.S3(t)
	return []scene{
		sftpSink(sftp, sftp.Settings(), "append"),
		s3Sink(bucket, "upsert"),
	}
}

// sftpSink writes below a folder; settings lead to it.
func sftpSink(f servers.SFTPFolder, settings, mode string) scene {
	return scene{name: "sftp " + mode, mode: mode, sink: settings, stream: "DIR/charges.csv",
		dump: func(t *testing.T, dir string, _ bool) string {
			at := f.Path(filepath.Base(dir))
			text, err := os.ReadFile(filepath.Join(at, "charges.csv"))
			if err != nil {
				t.Fatal(err)
			}
			generations, _ := filepath.Glob(filepath.Join(at, ".charges.csv.tieout/*.json"))
			slices.Sort(generations)
			ledger, err := os.ReadFile(generations[len(generations)-1])
			if err != nil {
				t.Fatal(err)
			}
			left, _ := filepath.Glob(filepath.Join(at, ".charges.csv.tieout/*.part"))
			return string(text) + fmt.Sprint("left over: ", len(left), "\n") + ledgerOf(t, ledger)
		}}
}

func s3Sink(b servers.Bucket, mode string) scene {
	return scene{name: "s3 " + mode, mode: mode, sink: b.Settings("DIR"), stream: "charges.csv",
		dump: func(t *testing.T, dir string, _ bool) string {
			folder := filepath.Base(dir) + "/"
			core := minio.Core{Client: b.Client}
			open, err := core.ListMultipartUploads(context.Background(), b.Name, folder+"charges.csv", "", "", "", 100)
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, u := range open.Uploads { // one without parts may be left by a reply that was lost
				parts, err := core.ListObjectParts(context.Background(), b.Name, u.Key, u.UploadID, 0, 10)
				if err != nil {
					t.Fatal(err)
				}
				left += len(parts.ObjectParts)
			}
			return string(object(t, b, folder+"charges.csv")) + fmt.Sprint("left over: ", left, "\n") +
				ledgerOf(t, object(t, b, folder+".charges.csv.tieout.json"))
		}}
}

func object(t *testing.T, b servers.Bucket, key string) []byte {
	t.Helper()
	in, err := b.Client.GetObject(context.Background(), b.Name, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return text
}

// putObject puts what a source holds into the bucket.
func putObject(t *testing.T, b servers.Bucket, key, text string) {
	t.Helper()
	if _, err := b.Client.PutObject(context.Background(), b.Name, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// ledgerOf is what a ledger of files says: the position and the sums.
func ledgerOf(t *testing.T, text []byte) string {
	t.Helper()
	var ledger struct {
		Positions map[string]struct {
			Text string   `json:"text"`
			Seen []string `json:"seen"`
		} `json:"positions"`
		Loads []struct {
			Counts json.RawMessage `json:"counts"`
		} `json:"loads"`
	}
	if err := json.Unmarshal(text, &ledger); err != nil {
		t.Fatalf("%v: %s", err, bytes.TrimSpace(text))
	}
	var counts []string
	for _, l := range ledger.Loads {
		counts = append(counts, string(l.Counts))
	}
	var at []string
	for _, p := range ledger.Positions {
		at = append(at, p.Text, fmt.Sprint(p.Seen))
	}
	return fmt.Sprintf("at %s\n", strings.Join(at, " ")) + ledgerSums(t, counts)
}
