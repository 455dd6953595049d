package document

import "testing"

// What stands in brackets and is right must not be taken for a cut expression.
func TestFlowSplitOnlyWhereSomethingWasCut(t *testing.T) {
	for text, want := range map[string]int{
		"a: [tenant's, owner's]\n":              0,
		"a: { b: tenant's, c: x }\n":            0,
		"a: [max(a), b]\n":                      0,
		"a: [max(a, b)]\n":                      1,
		"a: [max(a, b), min(c, d)]\n":           2,
		"a: { b: f(x, y), c: 1 }\n":             1,
		"a: { b: f(x), c: 1 }\n":                0,
		"a: { b: \"f(x\", c: 1 }\n":             0,
		"a: { b: contains(x, \"y\"), c: 1 }\n":  1,
		"a: { x:1 }\n":                          1,
		"a: { url: http://x, b: c }\n":          0,
		"a: { by:\n      c, d: e }\n":           0,
		"a: { \"quoted\": , b: 1 }\n":           0,
		"a: { path: =config.x, until: =p >= 1}": 0,
	} {
		r := new(Report)
		Parse("f", []byte(text), r)
		if found := r.Diagnostics(); len(found) != want {
			t.Errorf("%q: %v", text, found)
		}
	}
}
