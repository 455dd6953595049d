package rows

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors"
)

// anyCutter is a cutter of either kind.
type anyCutter interface{ Next() (Item, error) }

// drain gives the records of a document, or why it is none.
func drain(c anyCutter) (out []string, err error) {
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, string(it.Raw))
	}
}

// Values are copied from around records wherever they stand, before the
// records or behind them; JSON and XML of the same content agree; and a
// document that ends early is never a shorter list.
func TestCarryFromAnywhere(t *testing.T) {
	carry := []Carry{{Name: "no", Up: 1, Path: []string{"no"}}, {Name: "who", Up: 2, Path: []string{"who"}}}
	cut := Cut{Carry: carry, Limits: connectors.DefaultLimits()}
	rapid.Check(t, func(t *rapid.T) {
		var json, xml strings.Builder
		var want []string
		groups := rapid.IntRange(0, 3).Draw(t, "groups")
		whoFirst := rapid.Bool().Draw(t, "who first")
		who := func(last bool) {
			if whoFirst != last {
				json.WriteString(`"who":"W",`)
				xml.WriteString(`<who>W</who>`)
			}
		}
		json.WriteString(`{`)
		xml.WriteString(`<r>`)
		who(false)
		json.WriteString(`"g":[`)
		for g := range groups {
			place := rapid.IntRange(0, 2).Draw(t, "place") // before, behind, nowhere
			n := rapid.IntRange(0, 3).Draw(t, "records")
			if g > 0 {
				json.WriteByte(',')
			}
			json.WriteByte('{')
			xml.WriteString(`<g>`)
			if place == 0 {
				fmt.Fprintf(&json, `"no":"%d",`, g)
				fmt.Fprintf(&xml, `<no>%d</no>`, g)
			}
			json.WriteString(`"l":[`)
			for i := range n {
				if i > 0 {
					json.WriteByte(',')
				}
				fmt.Fprintf(&json, `{"id":"%d"}`, i)
				fmt.Fprintf(&xml, `<l><id>%d</id></l>`, i)
				no := fmt.Sprintf(`"no":"%d",`, g)
				if place == 2 {
					no = ""
				}
				want = append(want, fmt.Sprintf(`{%s"who":"W","id":"%d"}`, no, i))
			}
			json.WriteString(`],"x":0`)
			if place == 1 {
				fmt.Fprintf(&json, `,"no":"%d"`, g)
				fmt.Fprintf(&xml, `<no>%d</no>`, g)
			}
			json.WriteByte('}')
			xml.WriteString(`</g>`)
		}
		json.WriteString(`],`)
		who(true)
		json.WriteString(`"end":1}`)
		xml.WriteString(`</r>`)
		for kind, text := range map[string]string{"json": json.String(), "xml": xml.String(), "inside": "<o><t>" + strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(xml.String()) + "</t></o>"} {
			open := func(r io.Reader) anyCutter {
				own := cut
				switch kind {
				case "json":
					own.Path = []string{"g", "l"}
					return NewCutter(r, own)
				case "inside":
					own.Path, own.Inside, own.Around = []string{"r", "g", "l"}, []string{"t"}, 1
					return NewInsideCutter(r, own)
				}
				own.Path = []string{"r", "g", "l"}
				return NewXMLCutter(r, own)
			}
			got, err := drain(open(strings.NewReader(text)))
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: %v\n%s\ngot  %v\nwant %v", kind, err, text, got, want)
			}
			at := rapid.IntRange(0, len(text)-1).Draw(t, "cut off at")
			if _, err := drain(open(strings.NewReader(text[:at]))); err == nil {
				t.Fatalf("%s cut off at %d is sound: %s", kind, at, text[:at])
			}
		}
	})
}

// Records wait for what stands behind them up to a bound.
func TestCarryWaitsWithinBounds(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"l":[{"x":"`), &repeated{text: strings.Repeat("y", 1<<16) + `"},{"x":"`})
	c := NewCutter(endless, Cut{Path: []string{"l"}, Carry: []Carry{{Name: "no", Up: 1, Path: []string{"no"}}}, Limits: connectors.DefaultLimits()})
	_, err := drain(c)
	if err == nil || !strings.Contains(err.Error(), `"no" stands behind more than`) {
		t.Errorf("error %v", err)
	}
}

// repeated gives a text without end.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}
