package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// onDisk is what the file of the spool in a folder holds, which has no name.
func onDisk(t *testing.T, dir string) []byte {
	t.Helper()
	open, _ := os.ReadDir("/proc/self/fd")
	for _, e := range open {
		path := "/proc/self/fd/" + e.Name()
		if name, err := os.Readlink(path); err == nil && strings.HasPrefix(name, filepath.Join(dir, "pages-")) {
			disk, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return disk
		}
	}
	t.Fatal("no spool is open")
	return nil
}

// Pages that are too large for memory and break off leave nothing of what came
// before they did, and the disk shows none of their records.
func TestLargePages(t *testing.T) {
	const records, width = 600, 10_000
	padding := make([]byte, width/2)
	_, _ = rand.NewChaCha8([32]byte{}).Read(padding)
	page := func(from int) []byte {
		b := []byte(`{"data":[`)
		for i := from; i < from+records; i++ {
			b = fmt.Appendf(b, `{"id":%d,"account":"canary-%d-%s"},`, i, i, hex.EncodeToString(padding))
		}
		return append(bytes.TrimRight(b, ","), "]}"...)
	}
	tries := make(map[string]int)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Query().Get("at")
		if tries[at]++; at == "1800" {
			fmt.Fprint(w, `{"data":[]}`)
			return
		}
		var from int
		fmt.Sscan(at, &from)
		body := page(from)
		if tries[at] < 3 {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			body = body[:len(body)-tries[at]*200]
		}
		_, _ = w.Write(body)
	})
	dir := t.TempDir()
	src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /items, query: {at: =page.offset}}, records: data, page: {by: offset}}}", dir)
	r, err := src.Open(context.Background(), connectors.Read{Stream: "items"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	disk := onDisk(t, dir)
	if len(disk) < 300_000 || len(disk) > 1_400_000 { // three times as much with what broke off
		t.Errorf("%d bytes on the disk", len(disk))
	}
	for _, clear := range []string{"canary-", "account", hex.EncodeToString(padding[:8])} {
		if bytes.Contains(disk, []byte(clear)) {
			t.Errorf("%q is on the disk", clear)
		}
	}
	var b record.Batch
	next := 0
	for err = r.Next(context.Background(), &b); err == nil; err = r.Next(context.Background(), &b) {
		for _, row := range b.Live {
			if want := fmt.Sprintf(`{"id":"%d","account":"canary-%d-`, next, next); !bytes.HasPrefix(record.AppendRowJSON(nil, &b, int(row)), []byte(want)) {
				t.Fatalf("row %d is another", next)
			}
			next++
		}
	}
	if !errors.Is(err, io.EOF) || next != 3*records {
		t.Errorf("%d rows, %v", next, err)
	}
}
