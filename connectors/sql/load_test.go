package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// rentLoad is a load of three fields into rent.
func rentLoad(mode connectors.Mode, scale int32) connectors.Load {
	amount := record.NewField("amount", record.Decimal)
	amount.Scale = scale
	l := connectors.Load{ID: uuid.Must(uuid.NewV7()).String(), Project: "p", Pipeline: "rent", Stream: "rent", Mode: mode, MaxRefused: 10, AsOf: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC),
		Shape: record.MustShape(record.NewField("id", record.Text), amount, record.NewField("due", record.Date))}
	if mode != connectors.Append {
		l.Key = []string{"id"}
	}
	return l
}

// rentBatch has a row for each id; the amount is 1.50, the date day 0.
func rentBatch(l connectors.Load, seq int64, ids ...string) *record.Batch {
	b := new(record.Batch)
	b.Reset(l.Shape, len(ids))
	b.Seq, b.Origin.Input = seq, "rent.csv"
	for i, id := range ids {
		b.Columns[0].SetString(i, id)
		b.Columns[1].SetCoef(i, 150, 2)
		b.Columns[2].SetInt(i, 0)
		b.Origin.Line = append(b.Origin.Line, int64(i)*3+7) // lines that do not follow one another
	}
	return b
}

func loadRent(t *testing.T, k connectors.Sink, l connectors.Load, ids ...string) (connectors.Receipt, error) {
	t.Helper()
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		return connectors.Receipt{}, err
	}
	defer w.Abort(t.Context())
	if err := w.Write(t.Context(), rentBatch(l, 0, ids...)); err != nil {
		return connectors.Receipt{}, err
	}
	return w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
}

func ask(t *testing.T, d dialect, query string) string {
	t.Helper()
	s, err := d.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var text string
	if err := s.get(t.Context(), query, nil, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

func pgFor(t *testing.T) (*postgres, *sink) {
	t.Helper()
	p, err := newPostgres(schemaOf(t, servers.Postgres(t)))
	if err != nil {
		t.Fatal(err)
	}
	return p, &sink{dialect: p, now: time.Now}
}

func TestPostgresCreatedTable(t *testing.T) {
	p, k := pgFor(t)
	l := rentLoad(connectors.Upsert, 2)
	if _, err := loadRent(t, k, l, "a"); err != nil {
		t.Fatal(err)
	}
	got := ask(t, p, `SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'rent'::regclass AND attnum > 0`)
	if got != "id text, amount numeric(38,2), due date" {
		t.Errorf("columns: %s", got)
	}
	if got := ask(t, p, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'rent'::regclass"); got != "PRIMARY KEY (id)" {
		t.Errorf("key: %s", got)
	}
	if got := ask(t, p, "SELECT counts->>'inserted' || ' ' || length(hash) || ' ' || format FROM tieout_loads"); got != "1 64 1" {
		t.Errorf("ledger: %s", got)
	}
}

func TestPostgresTargetChecks(t *testing.T) {
	p, k := pgFor(t)
	for _, c := range []struct {
		table string
		mode  connectors.Mode
		scale int32
		want  string // "" for a load that works
	}{
		{"id text, amount numeric(12,2), due date", connectors.Append, 2, ""},
		{"id text, amount numeric, due date, extra text DEFAULT 'x'", connectors.Upsert, 2, ""},
		{"id varchar(20), amount text, due text", connectors.Upsert, 2, ""},
		{"id text, amount numeric(12,1), due date", connectors.Append, 2, "sink.digits_lost"},
		{"id text, amount float8, due date", connectors.Append, 2, "sink.affinity"},
		{"id text, amount money, due date", connectors.Append, 2, "sink.affinity"},
		{"id text, amount bigint, due date", connectors.Append, 2, "sink.type"},
		{"id bigint, amount numeric, due date", connectors.Append, 2, "sink.type"},
		{"id text, amount numeric, due timestamptz", connectors.Append, 2, "sink.type"},
		{"id text, amount numeric", connectors.Append, 2, "sink.missing_column"},
		{"id text, amount numeric, due date, tenant text NOT NULL", connectors.Append, 2, "sink.missing_column"},
		{"id text, amount numeric, due date GENERATED ALWAYS AS (date '2026-01-01') STORED", connectors.Append, 2, "sink.type"},
	} {
		must(t, p, "DROP TABLE IF EXISTS rent", "CREATE TABLE rent ("+c.table+")")
		receipt, err := loadRent(t, k, rentLoad(c.mode, c.scale), "a", "b")
		switch {
		case c.want == "" && (err != nil || receipt.Inserted != 2):
			t.Errorf("%s: %v %+v", c.table, err, receipt)
		case c.want != "" && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "rent")):
			t.Errorf("%s: %v, want %s", c.table, err, c.want)
		}
	}
}

func TestPostgresRights(t *testing.T) {
	address := servers.Postgres(t)
	owner, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	user := fmt.Sprintf("clerk%d", time.Now().UnixNano())
	must(t, owner, "CREATE ROLE "+user+" LOGIN PASSWORD 'clerk'", "CREATE TABLE rent (id text PRIMARY KEY, amount numeric, due date)",
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC", "GRANT SELECT, INSERT ON rent TO "+user, "CREATE SCHEMA books", "GRANT ALL ON SCHEMA books TO "+user)
	t.Cleanup(func() { must(t, owner, "DROP OWNED BY "+user, "DROP ROLE "+user) })
	config := owner.config
	config.User, config.Password = user, "clerk"
	clerk := *owner
	clerk.writes = true
	clerk.config = config
	clerk.connection = "warehouse"
	k := &sink{dialect: &clerk, now: time.Now}
	_, err = loadRent(t, k, rentLoad(connectors.Append, 2), "a")
	if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "sink.permission") || !strings.Contains(err.Error(), "tieout connect warehouse --ddl") {
		t.Fatalf("no rights on the ledger's schema: %v", err)
	}
	ledgerByHand(t, owner, &clerk, k, user)
	clerk.ledgerSchema = "books"
	if _, err := loadRent(t, k, rentLoad(connectors.Append, 2), "a"); err != nil {
		t.Fatalf("with a ledger schema: %v", err)
	}
	if _, err := loadRent(t, k, rentLoad(connectors.Upsert, 2), "a"); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "UPDATE") {
		t.Fatalf("no right to update: %v", err)
	}
	other := rentLoad(connectors.Append, 2)
	other.Stream = "brand_new"
	if _, err := loadRent(t, k, other, "a"); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "CREATE") {
		t.Fatalf("no right to create: %v", err)
	}
}

// ledgerByHand has someone else make the ledger in a schema that the user may
// not create in, and grants the rights on it one by one.
func ledgerByHand(t *testing.T, owner, clerk *postgres, k *sink, user string) {
	t.Helper()
	owner.ledgerSchema, clerk.ledgerSchema = "audit", "audit"
	statements, err := owner.script()
	if err != nil {
		t.Fatal(err)
	}
	must(t, owner, append([]string{"CREATE SCHEMA audit"}, statements...)...)
	for _, grant := range []string{"USAGE ON SCHEMA audit", "SELECT, INSERT, UPDATE ON audit.tieout_positions", "SELECT, INSERT ON audit.tieout_loads", ""} {
		if strings.HasPrefix(grant, "SELECT, INSERT, UPDATE") {
			if _, _, err := k.Position(context.Background(), rentLoad(connectors.Append, 2)); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "sink.permission: ") || !strings.Contains(err.Error(), `GRANT SELECT, INSERT, UPDATE ON "audit".tieout_positions TO that user`) {
				t.Errorf("no right to read the position: %v", err)
			}
		}
		_, err := loadRent(t, k, rentLoad(connectors.Append, 2), "by hand")
		switch {
		case grant == "" && err != nil:
			t.Errorf("with every right: %v", err)
		case grant != "" && (!errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "sink.permission") || !strings.Contains(err.Error(), "GRANT")):
			t.Errorf("without %s: %v", grant, err)
		}
		if grant != "" {
			must(t, owner, "GRANT "+grant+" TO "+user)
		}
	}
}

// TestFirstRuns lets several pipelines make the ledger at once.
func TestFirstRuns(t *testing.T) {
	p, pg := pgFor(t)
	lite := newSQLite(t.TempDir(), "first.db")
	for name, k := range map[string]*sink{"postgres": pg, "sqlite": {dialect: lite, now: time.Now}} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				wg.Go(func() {
					l := rentLoad(connectors.Append, 2)
					l.Pipeline, l.Stream = fmt.Sprint("rent", i), fmt.Sprint("rent", i)
					_, errs[i] = loadRent(t, k, l, "a")
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
		})
	}
	if got := ask(t, p, "SELECT count(*)::text FROM tieout_loads"); got != "6" {
		t.Errorf("%s loads", got)
	}
}

// TestCommitUnknown ends the server's side at the moment of approval.
func TestCommitUnknown(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text, amount numeric, due date)")
	l := rentLoad(connectors.Append, 2)
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), rentBatch(l, 0, "a")); err != nil {
		t.Fatal(err)
	}
	own := w.(*writer)
	if _, err := own.merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := own.prove(t.Context(), connectors.Ledger{RunID: "r"}, connectors.Receipt{}); err != nil {
		t.Fatal(err)
	}
	must(t, p, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'tieout'")
	if err := own.commit(t.Context()); !errors.Is(err, connectors.ErrCommitUnknown) {
		t.Fatalf("commit on a connection that is gone: %v", err)
	}
	own.end()
	if _, found, err := k.Settle(t.Context(), l); found || err != nil {
		t.Fatalf("settle: found=%v err=%v", found, err)
	}
	if got := ask(t, p, "SELECT count(*)::text FROM rent"); got != "0" {
		t.Errorf("%s rows", got)
	}
}

// TestSettleWaits settles while the commit is between its fence and its end.
func TestSettleWaits(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text, amount numeric, due date)")
	l := rentLoad(connectors.Append, 2)
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	settled := make(chan bool, 1)
	_, err = w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error {
		go func() {
			_, found, err := k.Settle(context.Background(), l)
			settled <- found && err == nil
		}()
		select {
		case <-settled:
			t.Error("settled before the commit ended")
		case <-time.After(100 * time.Millisecond):
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !<-settled {
		t.Error("the load was committed and not found")
	}
}

func TestSecretText(t *testing.T) {
	c := &PostgresConnection{URL: document.NewSecret("url", "postgres://u:hunter2@127.0.0.1/d")}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v", *c, c)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("printed: %s", text)
		}
	}
}

// TestOpenCopy ends loads while a COPY is under way.
func TestOpenCopy(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text, amount numeric, due date)")
	before := goleak.IgnoreCurrent()
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = strings.Repeat("x", 200) // more than one block
	}
	for name, end := range map[string]func(context.CancelFunc){
		"abort":  func(context.CancelFunc) {},
		"cancel": func(cancel context.CancelFunc) { cancel() },
		"killed": func(context.CancelFunc) {
			must(t, p, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'tieout'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := rentLoad(connectors.Append, 2)
			w, err := k.Begin(ctx, l)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort(context.Background())
			if err := w.Write(ctx, rentBatch(l, 0, ids...)); err != nil {
				t.Fatal(err)
			}
			end(cancel)
			for seq := int64(1); seq < 200 && err == nil; seq++ {
				if name == "abort" {
					break
				}
				err = w.Write(ctx, rentBatch(l, seq, ids...))
			}
			if name == "cancel" && !errors.Is(err, context.Canceled) || name == "killed" && !errors.Is(err, connectors.ErrEnvironment) {
				t.Errorf("write: %v", err)
			}
			if err := w.Abort(context.Background()); err != nil {
				t.Errorf("abort: %v", err)
			}
			if got := ask(t, p, "SELECT count(*)::text FROM rent"); got != "0" {
				t.Errorf("%s rows", got)
			}
		})
	}
	goleak.VerifyNone(t, before)
}

func TestLedgerDDL(t *testing.T) {
	p, _ := pgFor(t)
	p.ledgerSchema = fmt.Sprintf("audit %d", time.Now().UnixNano())
	schema, _ := p.words.quote(p.ledgerSchema)
	must(t, p, "CREATE SCHEMA "+schema)
	d, _ := mysqlFor(t)
	for _, one := range []dialect{p, d, newSQLite(t.TempDir(), "hand.db")} {
		k := &sink{dialect: one, now: time.Now}
		text, err := k.DDL()
		if err != nil || !strings.HasSuffix(text, ";") {
			t.Fatalf("%s %v", text, err)
		}
		statements, err := one.script()
		if err != nil || len(statements) != 2 || text != strings.Join(statements, ";\n\n")+";" {
			t.Fatal(statements, err)
		}
		must(t, one, statements...)
		if _, err := loadRent(t, k, rentLoad(connectors.Append, 2), "a"); err != nil {
			t.Errorf("load with a ledger made by hand: %v", err)
		}
	}
	if got := ask(t, p, "SELECT count(*)::text FROM "+schema+".tieout_loads"); got != "1" {
		t.Errorf("%s loads", got)
	}
}
