package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// spec declares a field of a named kind.
func spec(name, kind string, columns ...string) connectors.FieldSpec {
	k, _ := record.ParseKind(kind)
	return connectors.FieldSpec{Name: name, Kind: k, Columns: columns, Scale: record.NoScale}
}

func optional(s connectors.FieldSpec) connectors.FieldSpec {
	s.Optional = true
	return s
}

func badValues(t *testing.T, k SourceTarget) {
	k.Fill(t, []Column{{"id", "text"}, {"units", "text"}, {"due", "text"}}, []Row{
		{"id": "a", "units": "1", "due": "2026-01-31"}, {"id": "b", "units": "many", "due": "soon"}, {"id": "c", "units": "3", "due": "2026-03-31"}})
	r, err := k.Source.Open(context.Background(), connectors.Read{Stream: k.Stream,
		Fields: []connectors.FieldSpec{spec("id", "text"), spec("units", "integer"), spec("due", "date")}})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer r.Close()
	rows, held := readAll(t, r)
	same(t, []Row{{"id": "a", "units": "1", "due": "2026-01-31"}, {"id": "c", "units": "3", "due": "2026-03-31"}}, rows)
	if len(held) != 2 {
		t.Fatalf("%d reasons, want one for each of two bad values: %v", len(held), held)
	}
	for i, field := range []string{"units", "due"} {
		h := held[i]
		if h.Step != record.StepSource || h.Code != "source.bad_value" || h.Field != field || h.Row != 1 || h.Message == "" {
			t.Errorf("hold: %+v", h)
		}
		var raw map[string]any
		if err := json.Unmarshal(h.Record, &raw); err != nil || raw["units"] != "many" || raw["due"] != "soon" || raw["id"] != "b" {
			t.Errorf("record as received: %s (%v)", h.Record, err)
		}
	}
}

func cancelled(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), charges(3000))
	r := k.open(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var b record.Batch
	if err := r.Next(ctx, &b); err != nil {
		t.Fatalf("Next: %v", err)
	}
	cancel()
	for range 3 { // what is on the way may still arrive
		if err := r.Next(ctx, &b); err != nil {
			if errors.Is(err, io.EOF) {
				t.Fatal("a cancelled read looks complete")
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("Next: %v, want cancelled", err)
			}
			if err := r.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return
		}
	}
	t.Fatal("the read goes on after it was cancelled")
}

func closes(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), charges(3000))
	for reads := range 3 {
		r := k.open(t, nil)
		var b record.Batch
		for range reads {
			if err := r.Next(context.Background(), &b); err != nil {
				t.Fatalf("Next: %v", err)
			}
		}
		begin := time.Now()
		if err := r.Close(); err != nil {
			t.Fatalf("Close after %d batches: %v", reads, err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Fatalf("Close took %v", took)
		}
	}
}

func describes(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), charges(1))
	if s, ok := k.Source.(connectors.Shaper); ok {
		got, err := s.Fields(context.Background(), connectors.Read{Stream: k.Stream, Fields: specs(shape()), Zone: time.UTC})
		if err != nil || !got.Equal(shape()) {
			t.Errorf("Fields: %v, %v", got, err)
		}
	}
	if s, ok := k.Source.(connectors.Checker); ok {
		if err := s.Check(context.Background()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	if s, ok := k.Source.(connectors.Lister); ok {
		got, err := s.Streams(context.Background())
		if err != nil || !slices.Contains(got, k.Stream) {
			t.Errorf("Streams: %v, %v", got, err)
		}
	}
}
