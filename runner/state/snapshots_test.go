package state_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/tieout/tieout/runner/state"
)

func TestSnapshots(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s := open(t, place)
		name := state.Snapshot{Project: "p", Pipeline: "rent", LoadID: "l1"}
		data := make([]byte, 3<<19+17)
		source := rand.NewChaCha8([32]byte{7})
		source.Read(data)
		w := s.WriteSnapshot(t.Context(), name)
		for from := 0; from < len(data); from += 70_001 {
			if _, err := w.Write(data[from:min(from+70_001, len(data))]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadAll(s.ReadSnapshot(t.Context(), name)); !errors.Is(err, state.ErrMissing) {
			t.Fatalf("a snapshot that is not whole was read: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s.ReadSnapshot(t.Context(), name))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("read %d bytes of %d: %v", len(got), len(data), err)
		}
		other := state.Snapshot{Project: "p", Pipeline: "other", LoadID: "l0"}
		if err := s.WriteSnapshot(t.Context(), other).Close(); err != nil {
			t.Fatal(err)
		}
		name.LoadID = "l2"
		if err := s.DropSnapshots(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		name.LoadID = "l1"
		if _, err := io.ReadAll(s.ReadSnapshot(t.Context(), name)); !errors.Is(err, state.ErrMissing) {
			t.Errorf("a dropped snapshot is there: %v", err)
		}
		if empty, err := io.ReadAll(s.ReadSnapshot(t.Context(), other)); err != nil || len(empty) != 0 {
			t.Errorf("the snapshot of another pipeline: %q, %v", empty, err)
		}
	})
}
