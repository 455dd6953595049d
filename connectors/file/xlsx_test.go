package file

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// workbook is a workbook written by hand, so that every odd thing can stand
// in it.
type workbook struct {
	sheets []string // rows of each, as XML
	names  []string // Sheet1, Sheet2 … when not given
	props  string   // attributes of workbookPr
	shared string   // the items of the shared texts
	styles string   // the content of the style sheet
	states []string
}

func (w *workbook) parts() map[string]string {
	var list, rels strings.Builder
	parts := make(map[string]string)
	for i, rows := range w.sheets {
		name, state := fmt.Sprintf("Sheet%d", i+1), ""
		if i < len(w.names) {
			name = w.names[i]
		}
		if i < len(w.states) {
			state = w.states[i]
		}
		fmt.Fprintf(&list, `<sheet name=%q sheetId="%d" state=%q r:id="rId%d"/>`, name, i+1, state, i+1)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="http://x/relationships/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, i+1)
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = `<worksheet xmlns="x"><cols/><sheetData>` + rows + `</sheetData><mergeCells/></worksheet>`
	}
	rels.WriteString(`<Relationship Id="s" Type="http://x/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="t" Type="http://x/relationships/styles" Target="styles.xml"/>`)
	parts["_rels/.rels"] = `<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	parts["xl/_rels/workbook.xml.rels"] = `<Relationships>` + rels.String() + `</Relationships>`
	parts["xl/workbook.xml"] = `<workbook xmlns:r="y"><workbookPr ` + w.props + `/><sheets>` + list.String() + `</sheets></workbook>`
	parts["xl/sharedStrings.xml"] = `<sst>` + w.shared + `</sst>`
	parts["xl/styles.xml"] = `<styleSheet>` + w.styles + `</styleSheet>`
	return parts
}

func (w *workbook) bytes(t testing.TB) string { return pack(t, w.parts()) }

// pack makes a zip file.
func pack(t testing.TB, parts map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(parts[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// inline writes rows of texts as a sheet; a cell that begins with = is a number.
func inline(rows ...[]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, `<row r="%d">`, i+1)
		for k, text := range row {
			if number, is := strings.CutPrefix(text, "="); is {
				fmt.Fprintf(&b, `<c r="%s"><v>%s</v></c>`, cellName(k, int64(i+1)), number)
			} else if text != "" {
				fmt.Fprintf(&b, `<c r="%s" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, cellName(k, int64(i+1)), text)
			}
		}
		b.WriteString(`</row>`)
	}
	return b.String()
}

func openErr(t testing.TB, dir string, options SourceOptions, read connectors.Read) error {
	t.Helper()
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}, options: options}
	r, err := src.Open(context.Background(), read)
	if err != nil {
		return err
	}
	defer r.Close()
	var b record.Batch
	for {
		if err := r.Next(context.Background(), &b); err != nil {
			return err
		}
	}
}

func list(values ...string) (l []document.Text) {
	for _, v := range values {
		l = append(l, text(v))
	}
	return l
}

const dates = `<numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\ hh:mm;@"/><numFmt numFmtId="165" formatCode="&quot;day&quot; #,##0.00_)"/><numFmt numFmtId="166" formatCode="[$-409]mmm\-yy"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="9"/><xf numFmtId="20"/><xf numFmtId="46"/><xf numFmtId="166"/></cellXfs>`

func TestSheetValues(t *testing.T) {
	w := &workbook{styles: dates,
		shared: `<si><t>k</t></si><si><t>v</t></si><si><r><t>rich </t></r><r><rPr/><t xml:space="preserve">text</t></r><rPh sb="0" eb="1"><t>no</t></rPh></si><si><t>a_x000D_b_x005F_c</t></si>`}
	cells := []struct{ cell, kind, want string }{
		{`t="s"><v>2</v>`, "text", `"rich text"`},
		{`t="s"><v>3</v>`, "text", `"a\rb_c"`},
		{`t="s"><v>9</v>`, "text", `no shared text`},
		{`t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is>`, "text", `"inline"`},
		{`t="str"><f>A1&amp;"x"</f><v>made</v>`, "text", `"made"`},
		{`t="str"><f>A1</f><v></v>`, "text", `null`},
		{`><f>A1</f>`, "text", `a formula without its result`},
		{`t="b"><v>1</v>`, "text", `"true"`},
		{`t="b"><v>0</v>`, "boolean", `false`},
		{`t="e"><v>#N/A</v>`, "decimal", `the cell holds the error #N/A (cell B2)`},
		{`><v>1E-3</v>`, "decimal", `"0.001"`},
		{`><v>1.5E+20</v>`, "text", `"150000000000000000000"`},
		{`><v>1234.5600000000001</v>`, "decimal", `"1234.56"`},
		{`><v>0.30000000000000004</v>`, "text", `"0.3"`},
		{`><v>-0.1</v>`, "decimal", `"-0.1"`},
		{`><v>12345678901234567</v>`, "text", `"12345678901234600"`},
		{`><v>123456789012.345</v>`, "decimal", `"123456789012.345"`},
		{`><v>abc</v>`, "text", `"abc" is no number`},
		{`s="4"><v>0.07</v>`, "decimal", `"0.07"`},
		{`s="3"><v>45000.5</v>`, "text", `"45000.5"`},
		{`s="1"><v>45322</v>`, "text", `"2024-01-31"`},
		{`s="1"><v>45322.75</v>`, "date", `"2024-01-31"`},
		{`s="1"><v>45322.75</v>`, "decimal", `"45322.75"`},
		{`s="1"><v>61</v>`, "date", `"1900-03-01"`},
		{`s="1"><v>60</v>`, "date", `29th of February 1900`},
		{`s="1"><v>59</v>`, "date", `"1900-02-28"`},
		{`s="1"><v>1</v>`, "date", `"1900-01-01"`},
		{`s="1"><v>0</v>`, "date", `0 is no date`},
		{`s="1"><v>-3</v>`, "date", `-3 is no date`},
		{`s="1"><v>2958466</v>`, "date", `beyond the year 9999`},
		{`s="2"><v>45322.4305555556</v>`, "text", `"2024-01-31T10:20:00"`},
		{`s="2"><v>45322.4305555556</v>`, "timestamp", `"2024-01-31T16:20:00Z"`},
		{`s="2"><v>45322</v>`, "date", `"2024-01-31"`},
		{`s="2"><v>45322.5</v>`, "date", `is no date`},
		{`s="1"><v>45322</v>`, "timestamp", `"2024-01-31T06:00:00Z"`},
		{`s="5"><v>0.5</v>`, "text", `"12:00:00"`},
		{`s="6"><v>1.5</v>`, "text", `"36:00:00"`},
		{`s="7"><v>45322</v>`, "month", `"2024-01"`},
		{`s="1"><v>45322</v>`, "month", `"2024-01"`},
		{`t="d"><v>2024-01-31</v>`, "date", `"2024-01-31"`},
		{`><v>45322</v>`, "date", `"45322" is no date`},
		{`t="inlineStr"><is><t>2024-02</t></is>`, "month", `"2024-02"`},
	}
	zone := zoneOf(t, "America/Chicago")
	for _, tt := range cells {
		w.sheets = []string{`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c><c r="B2" ` + tt.cell + `</c></row>`}
		dir := folder(t, map[string]string{"b.xlsx": w.bytes(t)})
		kind, _ := record.ParseKind(tt.kind)
		records, holds := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx", Zone: zone, Fields: []connectors.FieldSpec{typed("v", kind)}})
		got := strings.Join(append(records, holds...), "")
		if len(holds) == 0 {
			_, got, _ = strings.Cut(got, `"v":`)
			got, _, _ = strings.Cut(got, `,"k"`)
		}
		if got != tt.want && (len(holds) == 0 || !strings.Contains(got, tt.want)) {
			t.Errorf("%s as %s: %s, want %s", tt.cell, tt.kind, got, tt.want)
		}
	}
}

// Days are counted from 1904 in some workbooks; patterns are for texts alone.
func TestSheetDates(t *testing.T) {
	w := &workbook{styles: dates, props: `date1904="1"`, sheets: []string{inline([]string{"d"}, nil, []string{"31/01/2024"}) + `<row r="4"><c r="A4" s="1"><v>0</v></c></row><row r="5"><c r="A5" s="1"><v>43860</v></c></row>`}}
	dir := folder(t, map[string]string{"b.xlsx": w.bytes(t)})
	spec := typed("d", record.Date)
	spec.Pattern = "DD/MM/YYYY"
	records, holds := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx", Fields: []connectors.FieldSpec{spec}})
	if diff := cmp.Diff([]string{`{"d":"2024-01-31"}`, `{"d":"1904-01-01"}`, `{"d":"2024-01-31"}`}, records); diff != "" || len(holds) > 0 {
		t.Error(diff, holds)
	}
}

func TestSheetRows(t *testing.T) {
	head := []string{"Maple Court", "", "as of 31 Jan"}
	table := inline(head, nil, []string{"", " Item\n# ", "Qty", "", "Note"}, []string{"x", "1", "=2.50"}, nil, []string{"", "2", "=3", "extra", "n", "far"},
		[]string{"", "Total", "=5.5"}, []string{"", "printed today"})
	tests := map[string]struct {
		options SourceOptions
		want    []string
	}{
		"found by its cells": {SourceOptions{Header: &Header{Contains: list("qty", "Item #")}, Rows: &Rows{Until: list("Total")}},
			[]string{`{"qty":"2.5","Item #":"1","Note":null}`, `{"qty":"3","Item #":"2","Note":"n"}`}},
		"by its row": {SourceOptions{Header: &Header{Row: 3}, Rows: &Rows{Skip: list("total", "printed")}},
			[]string{`{"qty":"2.5","Item #":"1","Note":null}`, `{"qty":"3","Item #":"2","Note":"n"}`}},
		"up to the first blank row": {SourceOptions{Header: &Header{Row: 3}, Rows: &Rows{Until: list("blank")}},
			[]string{`{"qty":"2.5","Item #":"1","Note":null}`}},
	}
	dir := folder(t, map[string]string{"b.xlsm": (&workbook{sheets: []string{table}}).bytes(t)})
	qty := typed("qty", record.Decimal)
	qty.Columns = []string{"Quantity", "Qty"}
	optional := connectors.FieldSpec{Name: "waste", Kind: record.Decimal, Optional: true, Scale: record.NoScale}
	for name, tt := range tests {
		records, holds := readAll(t, dir, tt.options, connectors.Read{Stream: "b.xlsm", Fields: []connectors.FieldSpec{qty, optional}})
		if diff := cmp.Diff(tt.want, records); diff != "" || len(holds) > 0 {
			t.Errorf("%s: %s %v", name, diff, holds)
		}
	}
	err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsm", Fields: []connectors.FieldSpec{qty}})
	if err == nil || !strings.Contains(err.Error(), `no column "Quantity" or "Qty"`) {
		t.Error(err)
	}
	err = openErr(t, dir, SourceOptions{Header: &Header{Contains: list("Qty", "Cost")}}, connectors.Read{Stream: "b.xlsm"})
	if err == nil || !errors.Is(err, connectors.ErrData) || !strings.Contains(err.Error(), "header.contains") {
		t.Error(err)
	}
}

func TestSheetHeaderNames(t *testing.T) {
	w := &workbook{sheets: []string{inline([]string{"id", "Qty", "", "Qty", "A  B"}, []string{"1", "=2", "z", "=4", "=5"})}}
	dir := folder(t, map[string]string{"b.xlsx": w.bytes(t)})
	field := func(name, column string) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Columns: []string{column}, Kind: record.Text, Scale: record.NoScale}
	}
	records, _ := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx", Fields: []connectors.FieldSpec{field("ab", "a b"), field("none", "column_3"), field("q", "column_4")}})
	if diff := cmp.Diff([]string{`{"ab":"5","none":"z","q":"4","id":"1","column_2":"2"}`}, records); diff != "" {
		t.Error(diff)
	}
	records, _ = readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx", Wanted: []string{"A  B"}})
	if diff := cmp.Diff([]string{`{"A  B":"5"}`}, records); diff != "" {
		t.Error(diff)
	}
	err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx", Fields: []connectors.FieldSpec{field("q", "Qty")}})
	if err == nil || !strings.Contains(err.Error(), `several times: column_2 and column_4; say which by its number, as in column: column_2`) {
		t.Error(err)
	}
}

func TestSheetChoice(t *testing.T) {
	one := func(v string) string { return inline([]string{"v"}, []string{v}) }
	w := &workbook{sheets: []string{one("hidden"), one("jan"), one("feb"), one("notes")}, names: []string{"Setup", "Rent 2026-01", "Rent 2026-02", "Notes"}, states: []string{"hidden"}}
	dir := folder(t, map[string]string{"Elm St rent.xlsx": w.bytes(t)})
	month := typed("month", record.Month)
	tests := []struct {
		sheet  []document.Text
		name   string
		fields []connectors.FieldSpec
		want   []string
	}{
		{nil, "", nil, []string{`{"v":"jan"}`}},
		{list("setup"), "", nil, []string{`{"v":"hidden"}`}},
		{list("3"), "", nil, []string{`{"v":"feb"}`}},
		{list("Notes", "Rent*"), "", nil, []string{`{"v":"notes"}`, `{"v":"jan"}`, `{"v":"feb"}`}},
		{list("Rent {month}"), "{job} rent.xlsx", []connectors.FieldSpec{month}, []string{`{"v":"jan","job":"Elm St","month":"2026-01"}`, `{"v":"feb","job":"Elm St","month":"2026-02"}`}},
	}
	for _, tt := range tests {
		records, _ := readAll(t, dir, SourceOptions{Sheet: tt.sheet, Name: text(tt.name)}, connectors.Read{Stream: "*.xlsx", Fields: tt.fields})
		if diff := cmp.Diff(tt.want, records); diff != "" {
			t.Errorf("%v: %s", tt.sheet, diff)
		}
	}
	err := openErr(t, dir, SourceOptions{Sheet: list("March")}, connectors.Read{Stream: "Elm St rent.xlsx"})
	if err == nil || !strings.Contains(err.Error(), `no sheet "March"; it has "Setup", "Rent 2026-01"`) {
		t.Error(err)
	}
}

// Workbooks that are damaged or made to do harm end in an error, not in a
// panic or in missing rows.
func TestSheetHostile(t *testing.T) {
	ok := &workbook{sheets: []string{inline([]string{"v"}, []string{"1"})}}
	change := func(part, text string) string {
		parts := ok.parts()
		parts[part] = text
		return pack(t, parts)
	}
	sheet := func(rows string) string {
		return change("xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>v</t></is></c></row>`+rows+`</sheetData></worksheet>`)
	}
	whole := ok.bytes(t)
	bomb := ok.parts()
	bomb["xl/sharedStrings.xml"] = `<sst><si><t>` + strings.Repeat(" ", 80<<20) + `</t></si></sst>`
	tests := map[string]struct{ text, want string }{
		"cut short":         {whole[:len(whole)-40], "cut short"},
		"no zip":            {"v\n1\n", "no zip file"},
		"old":               {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 600), "password"},
		"another zip":       {pack(t, map[string]string{"a.txt": "x"}), "no workbook"},
		"rows out of order": {sheet(`<row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>`), "row 2 stands behind row 3"},
		"a cell twice":      {sheet(`<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>`), "A2 stands twice"},
		"a cell elsewhere":  {sheet(`<row r="2"><c r="A7"><v>1</v></c></row>`), `called "A7"`},
		"a column too far":  {sheet(`<row r="2"><c r="XFE2"><v>1</v></c></row>`), `called "XFE2"`},
		"a huge row":        {sheet(`<row r="99999999"><c><v>1</v></c></row>`), "99999999"},
		"half a sheet":      {change("xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>v</t></is></c></row><row><c><v>1</v></c></row>`), "ends in the middle"},
		"an entity":         {change("xl/worksheets/sheet1.xml", `<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>`), "document type"},
		"empty":             {change("xl/worksheets/sheet1.xml", `<worksheet><sheetData/></worksheet>`), "empty"},
		"out of the zip":    {pack(t, map[string]string{"../x": "", "xl/workbook.xml": ""}), "leads out of it"},
		"a bomb":            {pack(t, bomb), "made to do harm"},
	}
	for name, tt := range tests {
		dir := folder(t, map[string]string{"b.xlsx": tt.text})
		err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx"})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "b.xlsx") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLeafRows(t *testing.T) {
	rows := [][]string{{"Item #", "Level", "Name", "Cost"}, {"1", "=0", "Roof", "=9"}, {"1.1", "=1", "  Shingles", "=7"}, {"1.1.1", "=2", "    Bundles", "=7"},
		{"1.2", "=1", "  Ridge", "=2"}, {"2", "=0", "Doors", "=4"}, {"", "", "Grand total", "=13"}}
	sheet := inline(rows...)
	for row, level := range map[int]int{3: 1, 4: 2, 5: 1} {
		sheet = strings.Replace(sheet, fmt.Sprintf(`<row r="%d">`, row), fmt.Sprintf(`<row r="%d" outlineLevel="%d">`, row, level), 1)
	}
	var lines strings.Builder
	for _, row := range rows {
		lines.WriteString(strings.ReplaceAll(strings.Join(row, ","), "=", "") + "\n")
	}
	dir := folder(t, map[string]string{"t.xlsx": (&workbook{sheets: []string{sheet}}).bytes(t), "t.csv": lines.String()})
	want := []string{`{"Cost":"7"}`, `{"Cost":"2"}`, `{"Cost":"4"}`}
	for _, leaf := range []Leaf{{Level: text("Level")}, {Number: text("Item #")}, {Indent: text("Name")}, {Outline: "above"}} {
		for _, stream := range []string{"t.xlsx", "t.csv"} {
			if leaf.Outline != "" && stream == "t.csv" {
				continue
			}
			records, holds := readAll(t, dir, SourceOptions{Rows: &Rows{Leaf: &leaf, Until: list("Grand total")}},
				connectors.Read{Stream: stream, Fields: []connectors.FieldSpec{typed("Cost", record.Decimal)}, Wanted: []string{"Cost"}})
			if stream == "t.csv" {
				for i := range records {
					_, cost, _ := strings.Cut(records[i], `"Cost":`)
					cost, _, _ = strings.Cut(cost, ",")
					records[i] = `{"Cost":` + cost + "}"
				}
			}
			if diff := cmp.Diff(want, records); diff != "" || len(holds) > 0 {
				t.Errorf("%+v of %s: %s %v", leaf, stream, diff, holds)
			}
		}
	}
	_, holds := readAll(t, dir, SourceOptions{Rows: &Rows{Leaf: &Leaf{Level: text("Level")}}}, connectors.Read{Stream: "t.xlsx"})
	if len(holds) != 1 || !strings.Contains(holds[0], `"Level" does not tell`) {
		t.Error(holds)
	}
	below := inline([]string{"v"}, []string{"=1"}, []string{"=2"}, []string{"=3"}, []string{"=4"})
	below = strings.Replace(strings.Replace(below, `<row r="2">`, `<row r="2" outlineLevel="1">`, 1), `<row r="3">`, `<row r="3" outlineLevel="1">`, 1)
	dir = folder(t, map[string]string{"t.xlsx": (&workbook{sheets: []string{below}}).bytes(t)})
	records, _ := readAll(t, dir, SourceOptions{Rows: &Rows{Leaf: &Leaf{Outline: "below"}}}, connectors.Read{Stream: "t.xlsx"})
	if diff := cmp.Diff([]string{`{"v":"1"}`, `{"v":"2"}`, `{"v":"4"}`}, records); diff != "" {
		t.Error(diff)
	}
}

func writeFile(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
