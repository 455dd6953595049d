package expression

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tieout/tieout/schemas/record"
)

// Example is an expression and its result as text, over the sample record of
// the reference page.
type Example struct{ Expr, Want string }

// function is one row of the reference: what an analyst reads and what the
// checker knows come from the same signature.
//
// A signature is `name(param: kinds, …) -> result`. A parameter may be
// optional (`name?`) or repeat (`name...`). Its kinds are joined by |; number
// is integer|decimal, amount is a number that must be exact, any is every
// plain kind, and const says that it must not depend on the record.
type function struct {
	signature string
	doc       string
	examples  []Example

	// build makes the result of checked arguments. Optional arguments that
	// were not given are nil pointers at the end of args.
	build func(c *compiler, a args) *operand
	// special checks its own arguments; used by list functions.
	special func(c *compiler, call *call) *operand
}

func (fn *function) name() string {
	name, _, _ := strings.Cut(fn.signature, "(")
	return name
}

// area is a group of functions on the reference page.
type area struct {
	title     string
	functions []function
}

// areas lists every function.
func areas() []area {
	return []area{
		{"Money", moneyFunctions()},
		{"Numbers", numberFunctions()},
		{"Dates and months", dateFunctions()},
		{"Missing values", missingFunctions()},
		{"Lists", listFunctions()},
		{"Text", textFunctions()},
		{"Reading values", parseFunctions()},
	}
}

func (c *compiler) function(name string) *function { return functionIndex()[name] }

// byName is the table by name. It is built once, because thousands of
// expressions are compiled when a project is checked, and never changes.
var byName struct {
	once  sync.Once
	index map[string]*function
}

func functionIndex() map[string]*function {
	byName.once.Do(func() {
		byName.index = make(map[string]*function)
		for _, a := range areas() {
			for i := range a.functions {
				byName.index[a.functions[i].name()] = &a.functions[i]
			}
		}
	})
	return byName.index
}

func (c *compiler) isFunction(name string) bool { return c.function(name) != nil }

func (c *compiler) functionNames() []string {
	return slices.Collect(maps.Keys(functionIndex()))
}

// param is one parameter of a signature.
type param struct {
	name     string
	kinds    []record.Kind // empty for any
	optional bool
	repeats  bool
	constant bool
	exact    bool
}

// params reads the signature.
func (fn *function) params() []param {
	_, rest, _ := strings.Cut(fn.signature, "(")
	inner, _, _ := strings.Cut(rest, ")")
	if inner == "" {
		return nil
	}
	var ps []param
	for _, part := range strings.Split(inner, ", ") {
		name, kinds, _ := strings.Cut(part, ": ")
		p := param{}
		name, p.repeats = strings.CutSuffix(name, "...")
		p.name, p.optional = strings.CutSuffix(name, "?")
		kinds, p.constant = strings.CutPrefix(kinds, "const ")
		for _, k := range strings.Split(kinds, "|") {
			p.accept(k)
		}
		ps = append(ps, p)
	}
	return ps
}

func (p *param) accept(kind string) {
	switch kind {
	case "any":
	case "nil":
		p.kinds = append(p.kinds, kindNil)
	case "amount":
		p.exact = true
		p.kinds = append(p.kinds, record.Integer, record.Decimal)
	case "number":
		p.kinds = append(p.kinds, record.Integer, record.Decimal)
	case "span":
		p.kinds = append(p.kinds, kindSpan)
	default:
		k, _ := record.ParseKind(kind)
		p.kinds = append(p.kinds, k)
	}
}

// ListFunctions names the functions that take a list and look at its elements.
func ListFunctions() (names []string) {
	for _, a := range areas() {
		for i := range a.functions {
			if fn := &a.functions[i]; strings.HasPrefix(fn.signature, fn.name()+"(list: list") {
				names = append(names, fn.name())
			}
		}
	}
	return names
}

// Reference is the reference page of the functions in Markdown.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(referenceHead)
	for _, a := range areas() {
		fmt.Fprintf(&b, "\n## %s\n", a.title)
		for i := range a.functions {
			fn := &a.functions[i]
			fmt.Fprintf(&b, "\n### %s\n\n`%s`\n\n%s\n\n", fn.name(), fn.signature, fn.doc)
			b.WriteString("| expression | result |\n|---|---|\n")
			for _, e := range fn.examples {
				fmt.Fprintf(&b, "| `%s` | `%s` |\n", strings.ReplaceAll(e.Expr, "|", "\\|"), strings.ReplaceAll(e.Want, "|", "\\|"))
			}
		}
	}
	return b.Bytes()
}

const referenceHead = `# Functions

Every function an expression may call. An argument that is nil makes the result nil, but where a page says otherwise.
` + "`number` is an integer or a decimal, `amount` a number that did not come out of a binary float, `const` an argument that" + `
must not depend on the record, ` + "`?`" + ` an argument that may be left out, ` + "`...`" + ` one that may be repeated.

The examples are computed over this record:

| field | kind | value |
|---|---|---|
| rent | decimal | 1500.00 |
| paid | decimal | nil |
| due | date | 2026-10-22 |
| unit | text | ` + "` 12b `" + ` |
| created | timestamp | 2026-12-01T04:59:59Z |
| lines | list | amount 100.00, code A; amount 50.00, code B |
`
