package cli

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/sandbox/books"
)

// The guide of writing to services is run from top to bottom against the
// service it names.
func TestGuideWriting(t *testing.T) {
	blocks, _ := fencesOf(t, "../../docs/guides/writing-to-services.md")
	service := books.New(time.Now)
	service.CloseUntil("2026-08-31")
	server := httptest.NewServer(service)
	defer server.Close()
	dir := t.TempDir()
	ids, shown, compared := 0, "", 0
	for _, b := range blocks {
		switch b.kind {
		case "yaml":
			name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "pipeline: "), "\n")
			if strings.HasPrefix(b.text, "tieout:") {
				name = "tieout"
			}
			put(t, filepath.Join(dir, name+".yaml"), strings.ReplaceAll(b.text, "http://127.0.0.1:8085", server.URL))
		case "csv":
			if strings.HasPrefix(b.text, "number,") {
				put(t, filepath.Join(dir, "data/rent.csv"), b.text)
			}
		case "sh":
			if command := strings.TrimPrefix(strings.TrimSpace(b.text), "tieout "); !strings.HasPrefix(command, "sandbox") {
				shown = guideCommand(t, dir, &ids, b.at(), command)
			}
		case "text":
			compared++
			if !strings.HasPrefix(shown, b.text) {
				t.Errorf("%s: it shows\n%s", b.at(), shown)
			}
		}
	}
	if compared != 3 || len(service.Documents()) != 2 || service.Requests() != 4 {
		t.Errorf("%d outputs were compared; the service has %+v after %d requests", compared, service.Documents(), service.Requests())
	}
}
