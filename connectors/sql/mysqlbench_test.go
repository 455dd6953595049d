package sql

import (
	"strconv"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

const mysqlBench = `CREATE TABLE bench (id bigint, amount decimal(12,2), total decimal(12,2), due date, changed datetime(6), paid boolean,
	text0 text, text1 text, text2 text, text3 text, text4 text, text5 text, text6 text, text7 text`

func BenchmarkMySQLSink(b *testing.B) {
	d, k := mysqlFor(b)
	for _, mode := range modes() {
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				must(b, d, "DROP TABLE IF EXISTS bench", mysqlBench+", PRIMARY KEY (id))")
				b.StartTimer()
				benchLoad(b, k, mode, benchRows)
			}
			perSecond(b)
		})
	}
	for _, mode := range []connectors.Mode{connectors.Upsert, connectors.Replace} {
		for name, key := range map[string]string{"": ", PRIMARY KEY (id)", ", no index": ""} {
			b.Run("again, "+string(mode)+name, func(b *testing.B) {
				must(b, d, "DROP TABLE IF EXISTS bench", mysqlBench+key+")")
				benchLoad(b, k, connectors.Append, benchRows)
				for b.Loop() {
					benchLoad(b, k, mode, benchRows)
				}
				perSecond(b)
			})
		}
	}
}

func BenchmarkMySQLSource(b *testing.B) {
	address, d := mysqlAddress(b)
	must(b, d, `CREATE TABLE bench AS SELECT seq AS id, CAST(seq % 100000 * 0.01 AS decimal(12,2)) AS amount, concat('unit ', seq) AS unit, 'tenant' AS tenant,
		DATE_ADD('2026-01-01', INTERVAL seq % 365 DAY) AS due, now(6) + INTERVAL seq SECOND AS changed, seq % 2 = 0 AS paid, 'some note' AS note
		FROM seq_1_to_`+strconv.Itoa(benchRows))
	source := mysqlSource(b, address, "")
	var batch record.Batch
	b.ReportAllocs()
	for b.Loop() {
		drain(b, source, connectors.Read{Stream: "bench", Zone: time.UTC}, &batch)
	}
	perSecond(b)
}

func BenchmarkMySQLEncode(b *testing.B) {
	shape := wide()
	p, err := newPlan(connectors.Load{Shape: shape, Mode: connectors.Append}, tableName{table: "bench"}, new(mysqlWords()))
	if err != nil {
		b.Fatal(err)
	}
	p.columns[4].room = room{stamps: true, fraction: 6}
	v := valuer{plan: p, fitter: fitter{powers()}}
	var batch record.Batch
	wideBatch(&batch, shape, 0, record.BatchRows)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = out[:0]
		for row := range record.BatchRows {
			out, _, _ = v.row(out, &batch, row)
		}
	}
	b.SetBytes(int64(len(out)))
}
