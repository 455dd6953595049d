package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// w2Setup is a ledger that grows: rows rows, half a second apart.
const w2Setup = `DROP TABLE IF EXISTS bench_ledger, bench_copy;
CREATE TABLE bench_ledger (id bigint PRIMARY KEY, account text NOT NULL, posted_on date NOT NULL, amount numeric(14,2) NOT NULL,
	currency text NOT NULL, memo text, reconciled boolean NOT NULL, updated_at timestamptz NOT NULL);
INSERT INTO bench_ledger SELECT n, 'A' || (n * 613 %% 811), date '2021-03-01' + (n * 17 %% 1900)::int, ((n * 86028121 %% 70000000) - 9000000)::numeric / 100,
	(ARRAY['USD','USD','EUR','GBP'])[1 + (n %% 4)::int], CASE WHEN n %% 9 > 0 THEN 'line ' || n || ' of run ' || n %% 757 END, n %% 2 = 0,
	timestamptz '2026-02-01 00:00+00' + make_interval(secs => n * 0.5) FROM generate_series(1::bigint, %d) n;
CREATE INDEX ON bench_ledger (updated_at);
CREATE TABLE bench_copy (LIKE bench_ledger INCLUDING INDEXES);
ANALYZE bench_ledger;`

// w2Delta changes one row of a hundred and adds a quarter as many.
const w2Delta = `UPDATE bench_ledger SET amount = amount - 2.03, reconciled = NOT reconciled,
	updated_at = timestamptz '2026-06-01 00:00+00' + make_interval(secs => id * 0.001) WHERE id %% 125 = 7;
INSERT INTO bench_ledger SELECT %d + n, 'LATE', date '2026-05-31', n * 1.21, 'USD', 'late ' || n, false,
	timestamptz '2026-06-02 00:00+00' + make_interval(secs => n * 0.5) FROM generate_series(1, %d) n;`

// w2Check counts rows that are missing, too many or different.
const w2Check = `SELECT count(*) FILTER (WHERE c.id IS NULL), count(*) FILTER (WHERE l.id IS NULL),
	count(*) FILTER (WHERE (l.account, l.posted_on, l.amount, l.currency, l.reconciled, l.updated_at) IS DISTINCT FROM (c.account, c.posted_on, c.amount, c.currency, c.reconciled, c.updated_at)
		OR l.memo IS DISTINCT FROM c.memo) FROM bench_ledger l FULL JOIN bench_copy c USING (id)`

// w2Hand is the job as one would write it by hand: what is newer than the
// target out of the source and through a staging table into it.
const w2Hand = `set -o pipefail
since=$(psql "$BENCH_URL" -AtqXc "select coalesce(max(updated_at), '-infinity') from bench_copy")
psql "$BENCH_URL" -qXv ON_ERROR_STOP=1 -c "\copy (select * from bench_ledger where updated_at >= '$since') to stdout" |
psql "$BENCH_URL" -qXv ON_ERROR_STOP=1 -1 -c "create temp table stage (like bench_copy)" -c "\copy stage from stdin" -c "insert into bench_copy select * from stage on conflict (id) do update set
	account = excluded.account, posted_on = excluded.posted_on, amount = excluded.amount, currency = excluded.currency, memo = excluded.memo,
	reconciled = excluded.reconciled, updated_at = excluded.updated_at"`

const w2Pipeline = `pipeline: ledger
source: { connection: db, stream: bench_ledger, key: [id], cursor: { field: updated_at } }
sink: { connection: db, stream: bench_copy, key: [id], mode: upsert }
`

// w2 is PostgreSQL to PostgreSQL by a cursor: everything, and then one row of
// a hundred.
func (b *bench) w2() error {
	rows := 2 * b.rows
	project := filepath.Join(b.dir, "w2")
	if err := writeFiles(project, map[string]string{"tieout.yaml": benchProject, "ledger.yaml": w2Pipeline}); err != nil {
		return err
	}
	first := []*contestant{
		{name: "COPY out, COPY in, upsert by hand (anchor)", command: []string{"bash", "-c", w2Hand}},
		{name: "tieout, cursor and upsert", command: []string{b.tieout, "-C", project, "run", "ledger"}},
	}
	later := []*contestant{{name: first[0].name, command: first[0].command}, {name: first[1].name, command: first[1].command}}
	for range b.runs {
		for i := range first {
			if err := b.w2Round(project, rows, first[i], later[i]); err != nil {
				return fmt.Errorf("%s: %w", first[i].name, err)
			}
		}
	}
	table(fmt.Sprintf("W2: PostgreSQL to PostgreSQL, first load of %d rows", rows), rows, first[0], first)
	table(fmt.Sprintf("W2: then %d changed and new rows", rows/100), rows/100, later[0], later)
	return nil
}

func (b *bench) w2Round(project string, rows int, first, later *contestant) error {
	if err := os.RemoveAll(filepath.Join(project, ".tieout")); err != nil {
		return err
	}
	for _, step := range []struct {
		prepare string
		c       *contestant
	}{
		{"DROP TABLE IF EXISTS tieout_positions, tieout_loads;" + fmt.Sprintf(w2Setup, rows), first},
		{fmt.Sprintf(w2Delta, rows, rows/500), later},
	} {
		for _, q := range []string{step.prepare, "checkpoint"} {
			if _, err := b.db.Exec(q); err != nil {
				return err
			}
		}
		s, err := b.time(step.c.command)
		if err != nil {
			return err
		}
		step.c.samples = append(step.c.samples, s)
		if err := b.exactly(w2Check)(); err != nil {
			return err
		}
	}
	return nil
}
