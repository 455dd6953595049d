package cli

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/builtin"
)

// The guide of load modes is run from top to bottom: its pipelines and files
// are written, its commands and queries run, and what it shows is compared.
func TestGuideLoading(t *testing.T) {
	const page = "../../docs/guides/loading.md"
	blocks, text := fencesOf(t, page)
	lines := strings.Split(text, "\n")
	dir := writeProject(t, map[string]string{"tieout.yaml": guideProject})
	named, ids, shown, compared := regexp.MustCompile("`(data/[a-z]+\\.csv)`"), 0, "", 0
	for _, b := range blocks {
		switch b.kind {
		case "yaml":
			name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "pipeline: "), "\n")
			put(t, filepath.Join(dir, name+".yaml"), b.text)
		case "csv":
			found := named.FindAllStringSubmatch(strings.Join(lines[:b.line], "\n"), -1)
			put(t, filepath.Join(dir, found[len(found)-1][1]), b.text)
		case "sh":
			shown = ""
			for command := range strings.Lines(b.text) {
				shown = guideCommand(t, dir, &ids, b.at(), strings.TrimPrefix(strings.TrimSpace(command), "tieout "))
			}
		case "sql":
			shown = guideQuery(t, filepath.Join(dir, "warehouse.db"), b.text)
		case "text":
			compared++
			if !strings.HasPrefix(shown, b.text) {
				t.Errorf("%s: it shows\n%s", b.at(), shown)
			}
		}
	}
	if compared < 6 {
		t.Errorf("only %d outputs were compared", compared)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func guideCommand(t *testing.T, dir string, ids *int, at, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	exit := Main(context.Background(), World{Args: append([]string{"-C", dir}, strings.Fields(command)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) (string, bool) { return "", false }, Now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		NewID:   func() string { *ids++; return fmt.Sprintf("%08d-0000-7000-8000-000000000000", *ids) },
		Version: "test", Registry: builtin.Registry()})
	if exit != 0 {
		t.Errorf("%s: tieout %s exits %d\n%s%s", at, command, exit, out.String(), errs.String())
	}
	return out.String()
}

// guideQuery shows rows with bars between the columns, and - for nothing.
func guideQuery(t *testing.T, path, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	var out strings.Builder
	for rows.Next() {
		cells, dest := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			dest[i] = &cells[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(cells))
		for i, c := range cells {
			if parts[i] = "-"; c.Valid {
				parts[i] = c.String
			}
		}
		out.WriteString(strings.Join(parts, " | ") + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
