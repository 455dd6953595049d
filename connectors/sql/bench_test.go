package sql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// wide is a record of 14 columns as a rent roll has them.
func wide() *record.Shape {
	amount, due := record.NewField("amount", record.Decimal), record.NewField("total", record.Decimal)
	amount.Scale, due.Scale = 2, 2
	fields := []record.Field{record.NewField("id", record.Integer), amount, due, record.NewField("due", record.Date),
		record.NewField("changed", record.Timestamp), record.NewField("paid", record.Boolean)}
	for i := range 8 {
		fields = append(fields, record.NewField("text"+strconv.Itoa(i), record.Text))
	}
	return record.MustShape(fields...)
}

// wideBatch fills a batch from row number from on.
func wideBatch(b *record.Batch, s *record.Shape, seq int64, rows int) {
	b.Reset(s, rows)
	b.Seq, b.Origin.Input = seq, "bench"
	for row := range rows {
		n := seq*record.BatchRows + int64(row)
		b.Columns[0].SetInt(row, n)
		b.Columns[1].SetCoef(row, n%100_000_000, 2)
		b.Columns[2].SetCoef(row, n*7%100_000_000, 2)
		b.Columns[3].SetInt(row, 20_000+n%365)
		b.Columns[4].SetInt(row, 1_700_000_000_000_000+n)
		b.Columns[5].SetBool(row, n%2 == 0)
		for k := 6; k < 14; k++ {
			b.Columns[k].SetText(row, []byte("some text"))
		}
	}
}

func benchLoad(b *testing.B, sink connectors.Sink, mode connectors.Mode, rows int) {
	b.Helper()
	load := connectors.Load{ID: uuid.Must(uuid.NewV7()).String(), AsOf: time.Now(), Project: "p", Pipeline: "bench", Stream: "bench", Shape: wide(), Mode: mode}
	if mode != connectors.Append {
		load.Key = []string{"id"}
	}
	w, err := sink.Begin(b.Context(), load)
	if err != nil {
		b.Fatal(err)
	}
	var batch record.Batch
	for seq := range int64(rows / record.BatchRows) {
		wideBatch(&batch, load.Shape, seq, record.BatchRows)
		if err := w.Write(b.Context(), &batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Commit(b.Context(), connectors.Ledger{StartedAt: time.Now()}, func(connectors.Receipt) error { return nil }); err != nil {
		b.Fatal(err)
	}
}

const benchRows = 200 * record.BatchRows

func perSecond(b *testing.B) {
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkPostgresSink(b *testing.B) {
	p, err := newPostgres(schemaOf(b, servers.Postgres(b)))
	if err != nil {
		b.Fatal(err)
	}
	for _, mode := range modes() {
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				must(b, p, "DROP TABLE IF EXISTS bench", `CREATE UNLOGGED TABLE bench (id bigint PRIMARY KEY, amount numeric(12,2), total numeric(12,2),
					due date, changed timestamptz, paid boolean, text0 text, text1 text, text2 text, text3 text, text4 text, text5 text, text6 text, text7 text)`)
				b.StartTimer()
				benchLoad(b, &sink{dialect: p, now: time.Now}, mode, benchRows)
			}
			perSecond(b)
		})
	}
}

func BenchmarkSQLiteSink(b *testing.B) {
	for _, mode := range modes() {
		b.Run(string(mode), func(b *testing.B) {
			n := 0
			dir := b.TempDir()
			for b.Loop() {
				n++
				benchLoad(b, &sink{dialect: newSQLite(dir, fmt.Sprintf("%d.db", n)), now: time.Now}, mode, benchRows)
			}
			perSecond(b)
		})
	}
}

func BenchmarkPostgresSource(b *testing.B) {
	address := schemaOf(b, servers.Postgres(b))
	p, err := newPostgres(address)
	if err != nil {
		b.Fatal(err)
	}
	must(b, p, `CREATE TABLE bench AS SELECT n AS id, (n % 100000 * 0.01)::numeric(12,2) AS amount, 'unit ' || n AS unit, 'tenant' AS tenant,
		date '2026-01-01' + (n % 365)::int AS due, now() + n * interval '1 second' AS changed, n % 2 = 0 AS paid, 'some note' AS note
		FROM generate_series(1, `+strconv.Itoa(benchRows)+`) n`, "ANALYZE bench")
	source, err := Postgres().NewSource(testEnv(b), &PostgresConnection{URL: document.NewSecret("url", address)}, new(SourceOptions))
	if err != nil {
		b.Fatal(err)
	}
	var batch record.Batch
	b.ReportAllocs()
	for b.Loop() {
		drain(b, source, connectors.Read{Stream: "bench"}, &batch)
	}
	perSecond(b)
}

func drain(b *testing.B, source connectors.Source, read connectors.Read, batch *record.Batch) {
	b.Helper()
	r, err := source.Open(b.Context(), read)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for {
		if err := r.Next(context.Background(), batch); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	shape := wide()
	p, err := newPlan(connectors.Load{Shape: shape, Mode: connectors.Append}, tableName{table: "bench"}, new(standardWords()))
	if err != nil {
		b.Fatal(err)
	}
	e := newEncoder(p)
	var batch record.Batch
	wideBatch(&batch, shape, 0, record.BatchRows)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = out[:0]
		for row := range record.BatchRows {
			out, _, _ = e.row(out, &batch, row)
		}
	}
	b.SetBytes(int64(len(out)))
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/record.BatchRows, "ns/row")
}
