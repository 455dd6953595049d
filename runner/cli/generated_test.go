package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/project"
)

var update = flag.Bool("update", false, "rewrite generated and golden files")

// The JSON Schemas and reference pages in the repository are what the structs
// say; `make generate` writes them again.
func TestGenerated(t *testing.T) {
	files, err := pipelines.Generated(project.Connectors(builtin.Registry()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		path := filepath.Join("..", "..", filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale; run `make generate` (%v)", name, err)
		}
	}
}
