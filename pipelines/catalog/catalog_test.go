package catalog_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/pipelines/catalog"
)

// registry shows the connectors of the program as pipelines wants them.
type registry struct{}

func (registry) Names() []string { return builtin.Registry().Names() }

func (registry) Lookup(name string) (pipelines.Connector, bool) {
	d := builtin.Registry().Lookup(name)
	if d == nil {
		return pipelines.Connector{}, false
	}
	c := pipelines.Connector{Name: d.Name, Connection: d.Connection, Source: d.Source, Sink: d.Sink, Typed: d.Typed, Cursor: d.Cursor}
	for _, m := range d.Modes {
		c.Modes = append(c.Modes, string(m))
	}
	return c, true
}

// The catalog has no finding, not even a warning, in any environment.
func TestCatalogIsClean(t *testing.T) {
	for _, environment := range []string{"", "postgres"} {
		w := pipelines.Load(catalog.FS(), pipelines.Options{Connectors: registry{}, Environment: environment})
		for _, d := range w.Report.Diagnostics() {
			t.Errorf("%s\n%s", d, d.Hint)
		}
		if len(w.Pipelines) != 9 {
			t.Errorf("%d pipelines", len(w.Pipelines))
		}
		for _, p := range w.Pipelines {
			if p.Description == "" || len(p.Gate) == 0 {
				t.Errorf("%s has no description or no gate", p.Name())
			}
		}
	}
}

// The quirks the records are there for are still in them.
func TestQuirks(t *testing.T) {
	for name, wants := range map[string][]string{
		"data/property/rent_roll.csv":                             {"\ufeffProperty,Unit No,", "(1,234.50)", ",-150.00,", ",n/a,", "31/09/2026", "4999", "TOTAL"},
		"data/oxford-spend/expenditure-over-500-apr-jun-2014.csv": {",00:00:00,"},
		"data/spearfish-permits/monthly/2015-09.csv":              {"6,101.40"},
		"data/spearfish-permits/monthly/2024-05.csv":              {"CBP\u201024\u201023", "23260.0"},
		"data/currency-codes/codes-all.csv":                       {",008,", ",-,", "Å"},
	} {
		text, err := fs.ReadFile(catalog.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
}
