package runner_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/schemas/record"
)

func TestAhead(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		kind, text string
		ahead      bool
	}{
		{"timestamp", "2026-11-22T12:00:00Z", false},
		{"timestamp", "2026-11-22T12:00:00.000001Z", true},
		{"timestamp", "2020-01-01T00:00:00Z", false},
		{"timestamp", "9999-12-31T23:59:59Z", true},
		{"date", "2027-11-22", false},
		{"date", "2027-11-23", true},
		{"month", "2027-11", false},
		{"month", "2027-12", true},
		{"text", "2027-11-22", false},
		{"text", "2099-01-01", true},
		{"text", "2026-11-23T12:00:00Z", true},
		{"text", "2099-01", false},
		{"text", "invoice 2099-01-01", false},
		{"integer", "20990101", false},
		{"", "", false},
	} {
		p := &connectors.Position{Field: "at", Kind: c.kind, Text: c.text}
		if got := runner.Ahead("p", p, now); (got != "") != c.ahead {
			t.Errorf("%s %q: %q", c.kind, c.text, got)
		}
	}
	if got := runner.Ahead("p", nil, now); got != "" {
		t.Errorf("no position: %q", got)
	}
}

func TestCheckRange(t *testing.T) {
	chicago := time.FixedZone("", -6*3600)
	for _, c := range []struct {
		kind     record.Kind
		from, to string
		wrong    bool
	}{
		{record.Integer, "10", "9", true},
		{record.Integer, "9", "10", false},
		{record.Text, "10", "9", false},
		{record.Text, "b", "a", true},
		{record.Date, "2026-02-02", "2026-02-01", true},
		{record.Date, "2026-02-01", "2026-02-01", false},
		{record.Month, "2026-12", "2026-02", true},
		{record.Timestamp, "2026-02-01", "2026-02-01", false},
		{record.Timestamp, "2026-02-01", "2026-02-01T05:59:59Z", true}, // the day begins at six there
		{record.Timestamp, "2026-02-02T05:00:00Z", "2026-02-01", false},
		{record.Date, "", "2026-02-01", false},
		{record.Date, "2026-02-01", "", false},
		{record.Date, "yesterday", "2026-02-01", false}, // the run names it
	} {
		err := runner.CheckRange(c.kind, chicago, runner.Span{From: c.from, To: c.to})
		if (err != nil) != c.wrong || err != nil && !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s from %q to %q: %v", c.kind, c.from, c.to, err)
		}
	}
}
