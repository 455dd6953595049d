package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// bigBook writes a workbook of rows times 12 cells: texts that are shared,
// amounts, whole numbers and dates.
func bigBook(t testing.TB, path string, rows int) {
	t.Helper()
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	header := make([]any, 12)
	for i := range header {
		header[i] = fmt.Sprintf("c%d", i)
	}
	w.SetRow("A1", header)
	for i := range rows {
		w.SetRow(fmt.Sprintf("A%d", i+2), []any{i, fmt.Sprintf("L-%d", i), "RENT", excelize.Cell{StyleID: day, Value: 45000 + i%365}, i % 700,
			"unit " + fmt.Sprint(i%420), 1000 + i%9, "USD", "memo of a charge", i % 12, true, "x"})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSheet(b *testing.B) {
	dir := b.TempDir()
	bigBook(b, dir+"/b.xlsx", 100_000)
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	read := connectors.Read{Stream: "b.xlsx", Fields: []connectors.FieldSpec{typed("c0", record.Integer), typed("c3", record.Date), typed("c6", record.Decimal)}}
	b.ReportAllocs()
	var batch record.Batch
	for b.Loop() {
		r, err := src.Open(context.Background(), read)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			err := r.Next(context.Background(), &batch)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Live)
		}
		r.Close()
		if n != 100_000 {
			b.Fatal(n)
		}
	}
}
