package rows

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// filler plans records of a stream and makes what fills rows with them.
func filler(t *testing.T, fields []connectors.FieldSpec, records ...string) *Filler {
	t.Helper()
	var samples [][]byte
	for _, r := range records {
		samples = append(samples, []byte(r))
	}
	plan, err := NewPlan(connectors.Read{Stream: "s", Fields: fields}, samples, connectors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return NewFiller(plan, func(Item) string { return "line 1" })
}

// rows fills a batch with records.
func (f *Filler) rows(t *testing.T, records ...string) *record.Batch {
	t.Helper()
	b := new(record.Batch)
	b.Reset(f.plan.Shape(), len(records))
	for i, r := range records {
		if err := f.Row(b, i, Item{Raw: []byte(r)}); err != nil {
			t.Fatal(err)
		}
	}
	f.Done(b, len(records))
	return b
}

// written reads records and gives the text of a field of the last one.
func written(t *testing.T, field string, fields []connectors.FieldSpec, records ...string) string {
	t.Helper()
	b := filler(t, fields, records...).rows(t, records...)
	i := b.Shape.Index(field)
	return string(record.AppendValue(nil, &b.Shape.Fields[i], &b.Columns[i], len(records)-1))
}

// TestNestedTextHangsOnTheRecordAlone reads one record beside others that
// change what is known of its members.
func TestNestedTextHangsOnTheRecordAlone(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"object":           {`{"b":1.10,"a":"x\ny","c":null,"":2}`, `{"a":"x\ny","b":"1.10","c":null}`},
		"spaces":           {`{ "b" : true , "a" : { "z":1, "y":[ ] } }`, `{"a":{"y":[],"z":"1"},"b":"true"}`},
		"list of objects":  {`[ {"b":1e2,"a":2}, {"a":3} ]`, `[{"a":"2","b":"1e2"},{"a":"3"}]`},
		"list of no such":  {`[1.10, {"b":1,"a":2}]`, `[1.10, {"b":1,"a":2}]`},
		"an empty object":  {`{ }`, `{}`},
		"an empty list":    {`[ ]`, `[]`},
		"lists in objects": {`{"l":[{"d":1,"c":[1, 2]}]}`, `{"l":[{"c":[1, 2],"d":"1"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			one := `{"id":1,"v":` + c.value + `}`
			same := `{"id":2,"v":{"d":"q","c":1}}` // with members of its own, before those of the record
			if c.value[0] == '[' {
				same = `{"id":2,"v":[1]}`
			}
			for _, others := range [][]string{nil, {`{"id":2,"v":"text"}`}, {`{"id":2,"v":null}`}, {`{"id":2,"v":7}`}, {same}} {
				if got := written(t, "v", nil, append(others, one)...); got != c.want {
					t.Errorf("beside %s: %s, want %s", others, got, c.want)
				}
			}
		})
	}
}

// TestDeclaredTextIsKeptAsReceived: who declares text gets the bytes.
func TestDeclaredTextIsKeptAsReceived(t *testing.T) {
	const value = `{ "b": 1.10, "a": [ ] }`
	got := written(t, "v", []connectors.FieldSpec{{Name: "v", Kind: record.Text}}, `{"v":`+value+`}`)
	if got != value {
		t.Errorf("%s", got)
	}
}

// TestMembersNobodyHasSeenAreTold also where they are in an object.
func TestMembersNobodyHasSeenAreTold(t *testing.T) {
	records := make([]string, SampleRecords+1)
	for i := range records {
		records[i] = `{"a":{"city":"Kiel"},"l":[{"n":1}]}`
	}
	records[SampleRecords] = `{"a":{"city":"Kiel","line2":"x"},"l":[{"n":1,"m":2}]}`
	f := filler(t, nil, records[:SampleRecords]...)
	f.rows(t, records[SampleRecords])
	notes := strings.Join(f.Notes("s"), "\n")
	for _, want := range []string{`a member "a.line2"`, `a member "l.m"`} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %s in %s", want, notes)
		}
	}
}

// TestFieldsThatAreLackingAreTold also where they are in lists and objects.
func TestFieldsThatAreLackingAreTold(t *testing.T) {
	dec := func(name string, optional bool) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Kind: record.Decimal, Scale: record.NoScale, Optional: optional}
	}
	fields := []connectors.FieldSpec{dec("total", false),
		{Name: "l", Kind: record.List, Fields: []connectors.FieldSpec{dec("amount", false), dec("tax", true)}},
		{Name: "r", Kind: record.Record, Optional: true, Fields: []connectors.FieldSpec{dec("rate", false)}}}
	records := []string{`{"total":1,"l":[{"amount":1},{"tax":1},{}],"r":{"rate":1}}`, `{"l":[],"r":{}}`, `{"total":1,"l":[{"amount":2}]}`}
	f := filler(t, fields, records...)
	for range 2 {
		f.rows(t, records...)
	}
	want := []string{`s: 2 of the records or elements around it have no "r.rate"`, `s: 2 records have no "total"`, `s: 4 of the records or elements around it have no "l.amount"`}
	notes := f.Notes("s")
	if len(notes) != len(want) {
		t.Fatalf("%q", notes)
	}
	for i := range want {
		if !strings.HasPrefix(notes[i], want[i]+" and count") {
			t.Errorf("%q, want %q", notes[i], want[i])
		}
	}
}

// TestANameTwiceHoldsTheRecord whether or not its members are fields.
func TestANameTwiceHoldsTheRecord(t *testing.T) {
	for _, other := range []string{`{"v":{"a":1}}`, `{"v":"text"}`} {
		twice := `{"v":{"a":1,"b":2,"a":3}}`
		b := filler(t, nil, other, twice).rows(t, other, twice)
		if len(b.Live) != 1 || len(b.Held) != 1 || !strings.Contains(b.Held[0].Message, `two members "a"`) {
			t.Errorf("beside %s: %d live, held %v", other, len(b.Live), b.Held)
		}
	}
}
