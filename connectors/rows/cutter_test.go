package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

func limits() connectors.Limits {
	return connectors.Limits{RecordBytes: 1 << 10, FieldCount: 64, Depth: 8}
}

// cutAll cuts a document up, a few bytes at a time, and gives the records as
// text.
func cutAll(text string, cut Cut) (out []string, c *Cutter, err error) {
	if cut.Limits == (connectors.Limits{}) {
		cut.Limits = limits()
	}
	c = NewCutter(iotest.OneByteReader(strings.NewReader(text)), cut)
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			return out, c, nil
		}
		if err != nil {
			return out, c, err
		}
		if it.Err == nil && it.Byte >= 0 && !strings.HasPrefix(text[it.Byte:], string(it.Raw)) {
			return out, c, fmt.Errorf("the record %q is not at byte %d", it.Raw, it.Byte)
		}
		if it.Err != nil {
			it.Raw = []byte(it.Err.Error())
		}
		out = append(out, string(it.Raw))
	}
}

func TestCutter(t *testing.T) {
	long := strings.Repeat("x", 2000)
	deep := strings.Repeat("[", 20) + strings.Repeat("]", 20)
	tests := map[string]struct {
		text, path string
		keep       []string
		want       []string
		envelope   string
		lost       bool // the path is not there
	}{
		"a list":              {text: ` [ {"a":1} , {"b":[2,{}]},3,"x",null ] `, want: []string{`{"a":1}`, `{"b":[2,{}]}`, "3", `"x"`, "null"}},
		"an empty list":       {text: `[]`},
		"one object":          {text: "\xEF\xBB\xBF{\"a\":1}\n", want: []string{`{"a":1}`}},
		"at a path":           {text: `{"x":[{"data":1}],"data":{"y":"\"}]","items":[{"a":1},{"a":2}]},"z":{}}`, path: "data.items", want: []string{`{"a":1}`, `{"a":2}`}},
		"one at a path":       {text: `{"data":{"items":{"a":1}}}`, path: "data.items", want: []string{`{"a":1}`}},
		"null at a path":      {text: `{"data":{"items":null}}`, path: "data.items"},
		"an empty object":     {text: `{"data":{}}`, path: "data.items"},
		"nothing at a path":   {text: `{"other":{"items":[1]}}`, path: "data.items", lost: true},
		"nothing at a name":   {text: `{"other":[]}`, path: "data", lost: true},
		"a list on the way":   {text: `{"data":[{"items":[1,2]},{"items":3},{"items":[]},{"items":[4]}]}`, path: "data.items", lost: false},
		"any member":          {text: `{"y":{"s":"t","1":[{"a":1}],"2":[{"a":2}],"3":{"a":3}}}`, path: "y.*", want: []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		"escaped names":       {text: `{"d\u0061ta":[{"a":1}]}`, path: "data", want: []string{`{"a":1}`}},
		"beside":              {text: `{"page":{"n":7,"x":[1,{"y":"z"}]},"big":"` + long + `","data":[{"a":1}],"next":"\"t\""}`, path: "data", keep: []string{"page.n", "next"}, want: []string{`{"a":1}`}, envelope: `{"page":{"n":7,"x":[1,{"y":"z"}]},"data":null,"next":"\"t\""}`},
		"beside, on the way":  {text: `{"a":{"n":1,"data":[{}],"m":{}},"z":2}`, path: "a.data", keep: []string{"a.m.k", "z", "a.none"}, want: []string{`{}`}, envelope: `{"a":{"data":null,"m":{}},"z":2}`},
		"beside a single one": {text: `{"data":{"x":1},"next":3}`, path: "data", keep: []string{"next"}, want: []string{`{"x":1}`}, envelope: `{"data":null,"next":3}`},
		"beside nothing":      {text: `{"data":null,"next":3}`, path: "data", keep: []string{"next"}, envelope: `{"data":null,"next":3}`},
		"beside a bare list":  {text: `[{"x":1}]`, keep: []string{"next"}, want: []string{`{"x":1}`}, envelope: `{}`},
		"too long and too deep": {text: `[{"a":1},{"a":"` + long + `\""},{"b":` + deep + `},{"c":"` + long + deep + `"},{"a":2}]`,
			want: []string{`{"a":1}`, ErrTooLong.Error(), "the record is nested too deep: more than 8 levels", ErrTooLong.Error(), `{"a":2}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cut := Cut{Keep: test.keep}
			if test.path != "" {
				cut.Path = strings.Split(test.path, ".")
			}
			got, c, err := cutAll(test.text, cut)
			if name == "a list on the way" {
				if err == nil || !strings.Contains(err.Error(), "single value") {
					t.Errorf("a number for a list: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if c.Found() == test.lost {
				t.Errorf("found is %v", c.Found())
			}
			if test.envelope != "" && test.envelope != string(c.Envelope()) {
				t.Errorf("envelope %s, want %s", c.Envelope(), test.envelope)
			}
		})
	}
}

func TestCutterRefuses(t *testing.T) {
	for text, words := range map[string]string{
		"": "empty", " \n": "empty", "7": "begins with '7'", "<html>": "begins with '<'", `"x"`: "begins with", "null": "begins with",
		`{"data":[1,]}`: "unexpected ']'", `{"data":[,1]}`: "unexpected ','", `{"data":[1 2]}`: "unexpected '2'", `{"data":[1]`: "ends in the middle",
		`{"data":[1]}]`: "text follows", `{"data":[1]} {}`: "text follows", `{"data":}`: "unexpected", `{"data" [1]}`: "unexpected '['",
		`{data:[1]}`: "unexpected 'd'", `{"x":tru,"data":[1]}`: "malformed", `{"x":01,"data":[1]}`: "malformed", `{"x":{"y":[1,}},"data":[1]}`: "malformed",
		`{"data":[1],"data":[2]}`: "two members", `{"data":7}`: "a single value", `{"x":1,,"data":[1]}`: "unexpected ','",
		`{"data":[1],"x":"` + strings.Repeat("n", 10): "ends in the middle", strings.Repeat("[", 100): "nested too deep",
	} {
		_, _, err := cutAll(text, Cut{Path: []string{"data"}})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", text, err, words)
		}
	}
}

// A reader's own error is passed on, wherever it happens.
func TestCutterPassesErrorsOn(t *testing.T) {
	const whole = `{"meta":{"n":[1,"x"]},"data":[{"a":"b\"c"},{"a":true}],"end":1}`
	want := errors.New("the line went dead")
	for n := range len(whole) + 1 {
		c := NewCutter(io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(want)), Cut{Path: []string{"data"}, Keep: []string{"end"}, Limits: limits()})
		var err error
		for err == nil {
			_, err = c.Next()
		}
		if !errors.Is(err, want) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// FuzzCutter holds the cutter and the filler to what encoding/json says: they
// take a document if and only if it is sound, and find the same records.
func FuzzCutter(f *testing.F) {
	for _, seed := range []string{`{"data":[{"a":1},{"a":"x\n","b":[{"c":null}]}],"n":1}`, `{"data":{"a":-0.5e+7}}`, `{"data":null}`, `{"data":[]}`, `{"data":[{"a":01}]}`,
		`{"data":[{"a":"\u12G4"}]}`, "{\"data\":[{\"a\":\"\x01\"}]}", `{"data":[{"a":tru}]}`, `{"data":[{"a":1}}]}`, `{"data":[{"b":[[[1]]],"a":"\ud800"}]}`, "{\"data\":[{\"a\":\"\xff\"}]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want struct {
			Data json.RawMessage `json:"data"`
		}
		sound := json.Valid(text)
		got, held, err := fillAll(text)
		if err == nil && held == 0 && !sound { // the text of a record too long to be read is not looked at
			t.Fatalf("%q is no JSON and was taken", text)
		}
		if !sound || err != nil || held > 0 || json.Unmarshal(text, &want) != nil {
			return
		}
		var list []map[string]any
		if json.Unmarshal(want.Data, &list) == nil && len(list) != len(got) {
			t.Fatalf("%q has %d records, got %q", text, len(list), got)
		}
	})
}

// fillAll reads the records at data into one batch.
func fillAll(text []byte) (out []string, held int, err error) {
	c := NewCutter(bytes.NewReader(text), Cut{Path: []string{"data"}, Limits: limits()})
	var items []Item
	var samples [][]byte
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		it.Raw = bytes.Clone(it.Raw)
		items, samples = append(items, it), append(samples, it.Raw)
	}
	plan, err := NewPlan(connectors.Read{}, samples, limits())
	if err != nil {
		return nil, 0, err
	}
	fill := NewFiller(plan, func(it Item) string { return fmt.Sprint("record ", it.Line) })
	var b record.Batch
	b.Reset(plan.Shape(), len(items))
	for i, it := range items {
		if err := fill.Row(&b, i, it); err != nil {
			return nil, 0, err
		}
	}
	b.DropHeld(0)
	for _, row := range b.Live {
		out = append(out, string(record.AppendRowJSON(nil, &b, int(row))))
	}
	return out, len(b.Held), nil
}

// A record that is broken tells nothing of the fields that stand behind the
// fault.
func TestPlanOfBrokenRecords(t *testing.T) {
	read := connectors.Read{Stream: "x", Fields: []connectors.FieldSpec{{Name: "id", Kind: record.Text, Scale: record.NoScale}, {Name: "name", Kind: record.Text, Scale: record.NoScale}}}
	if _, err := NewPlan(read, [][]byte{[]byte(`{"id":007,"name":"a"}`)}, limits()); err != nil {
		t.Errorf("the only one: %v", err)
	}
	var missing *connectors.MissingColumnError
	if _, err := NewPlan(read, [][]byte{[]byte(`{"id":NaN,"name":"a"}`), []byte(`{"id":1}`)}, limits()); !errors.As(err, &missing) || missing.Field != "name" {
		t.Errorf("beside a sound one without the field: %v", err)
	}
}
