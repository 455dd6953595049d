package expression

import (
	"bytes"
	"os"
	"testing"
)

const referencePage = "../../docs/reference/functions.md"

// TestReference keeps the page in the documentation equal to the table of
// functions; -update writes it.
func TestReference(t *testing.T) {
	want := Reference()
	if *update {
		if err := os.MkdirAll("../../docs/reference", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(referencePage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/reference/functions.md is stale: run go test ./transforms/expression -run TestReference -update")
	}
}
