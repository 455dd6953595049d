package serve

import (
	"testing"
	"time"
)

// A folder that hangs holds up nobody for long, and is read when it is back.
func TestFolderThatHangs(t *testing.T) {
	f := newFolder(t.TempDir(), "*.csv", 0)
	answer := make(chan map[string]string)
	f.read = func() (map[string]string, error) { return <-answer, nil }
	began := time.Now()
	for range 10 {
		if _, err := f.List(t.Context(), time.Now()); err == nil {
			t.Fatal("a folder that does not answer has files")
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("ten looks took %s", took)
	}
	answer <- map[string]string{"a.csv": "1"}
	var files map[string]string
	for range 100 {
		if files, _ = f.List(t.Context(), time.Now()); len(files) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if files["a.csv"] != "1" {
		t.Errorf("the folder is back with %v", files)
	}
}
