package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/record"
)

func mysqlFor(t testing.TB) (*mysqlDB, *sink) {
	t.Helper()
	d, err := newMySQL(servers.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	return d, &sink{dialect: d, now: time.Now}
}

// mysqlKill ends every other connection to the database of d.
func mysqlKill(t *testing.T, d *mysqlDB) {
	t.Helper()
	ids := ask(t, d, "SELECT group_concat(id) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
	for id := range strings.SplitSeq(ids, ",") {
		must(t, d, "KILL "+id)
	}
}

func TestMySQLCreatedTable(t *testing.T) {
	d, k := mysqlFor(t)
	if _, err := loadRent(t, k, rentLoad(connectors.Upsert, 2), "a"); err != nil {
		t.Fatal(err)
	}
	got := ask(t, d, "SELECT group_concat(column_name, ' ', column_type, ' ', column_key ORDER BY ordinal_position SEPARATOR ', ') FROM information_schema.columns WHERE table_name = 'rent' AND table_schema = DATABASE()")
	if got != "id varchar(250) PRI, amount decimal(38,2) , due date " {
		t.Errorf("columns: %s", got)
	}
	if got := ask(t, d, "SELECT concat(json_value(counts, '$.inserted'), ' ', length(hash), ' ', format, ' ', started_at > '2026-01-01') FROM tieout_loads"); got != "1 64 1 1" {
		t.Errorf("ledger: %s", got)
	}
}

func TestMySQLTargetChecks(t *testing.T) {
	d, k := mysqlFor(t)
	for _, c := range []struct {
		table string
		mode  connectors.Mode
		scale int32
		want  string // "" for a load that works
	}{
		{"id text, amount decimal(12,2), due date", connectors.Append, 2, ""},
		{"ID varchar(9) PRIMARY KEY, amount decimal(12,2), due date, extra text DEFAULT 'x', n int AUTO_INCREMENT UNIQUE", connectors.Upsert, 2, ""},
		{"id varchar(20), amount text, due text", connectors.Upsert, 2, ""},
		{"id text, amount decimal(12,2), due datetime", connectors.Replace, 2, ""},
		{"id enum('a','b'), amount decimal(12,2), due date", connectors.Replace, 2, ""},
		{"id text, amount decimal(12,1), due date", connectors.Append, 2, "sink.digits_lost"},
		{"id text, amount double, due date", connectors.Append, 2, "sink.affinity"},
		{"id text, amount bigint, due date", connectors.Append, 2, "sink.type"},
		{"id bigint, amount decimal(12,2), due date", connectors.Append, 2, "sink.type"},
		{"id text, amount decimal(12,2), due timestamp", connectors.Append, 2, "sink.type"},
		{"id text, amount decimal(12,2), due year", connectors.Append, 2, "sink.type"},
		{"id text, amount decimal(12,2)", connectors.Append, 2, "sink.missing_column"},
		{"id text, amount decimal(12,2), due date, tenant text NOT NULL", connectors.Append, 2, "sink.missing_column"},
		{"id text, amount decimal(12,2), due date AS ('2026-01-01') STORED", connectors.Append, 2, "sink.type"},
		{"id text, amount decimal(12,2), due date) ENGINE=MyISAM COMMENT=('x'", connectors.Append, 2, "MyISAM"},
	} {
		must(t, d, "DROP TABLE IF EXISTS rent", "CREATE TABLE rent ("+strings.Replace(c.table, "=('x'", "='x'", 1)+map[bool]string{false: ")"}[strings.Contains(c.table, "ENGINE")])
		receipt, err := loadRent(t, k, rentLoad(c.mode, c.scale), "a", "b")
		switch {
		case c.want == "" && (err != nil || receipt.Inserted != 2):
			t.Errorf("%s: %v %+v", c.table, err, receipt)
		case c.want != "" && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "rent")):
			t.Errorf("%s: %v, want %s", c.table, err, c.want)
		}
	}
}

func TestMySQLRights(t *testing.T) {
	d, k := mysqlFor(t)
	if _, err := loadRent(t, k, rentLoad(connectors.Append, 2), "a"); err != nil { // makes the tables
		t.Fatal(err)
	}
	user := fmt.Sprintf("clerk%d", time.Now().UnixNano())
	name := d.config.DBName
	must(t, d, "CREATE USER "+user+" IDENTIFIED BY 'clerk'", "GRANT SELECT, INSERT ON "+name+".rent TO "+user)
	t.Cleanup(func() { must(t, d, "DROP USER "+user) })
	config := *d.config
	config.User, config.Passwd = user, "clerk"
	clerk := *d
	clerk.config, clerk.ledgerSchema, clerk.writes = &config, "nowhere", true
	k = &sink{dialect: &clerk, now: time.Now}
	denied := func(what string, mode connectors.Mode, stream, want string) {
		t.Helper()
		l := rentLoad(mode, 2)
		l.Stream = stream
		_, err := loadRent(t, k, l, "b")
		if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "sink.permission") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	denied("no rights on the ledger's database", connectors.Append, "rent", "tieout connect NAME --ddl")
	clerk.ledgerSchema = ""
	must(t, d, "GRANT INSERT ON "+name+".tieout_loads TO "+user, "GRANT INSERT ON "+name+".tieout_positions TO "+user)
	if _, _, err := k.Position(context.Background(), rentLoad(connectors.Append, 2)); err == nil || !strings.Contains(err.Error(), "sink.permission: ") || !strings.Contains(err.Error(), "GRANT SELECT, INSERT, UPDATE ON `"+name+"`.tieout_positions") {
		t.Errorf("no right to read the position: %v", err)
	}
	must(t, d, "REVOKE INSERT ON "+name+".tieout_loads FROM "+user, "GRANT SELECT ON "+name+".tieout_loads TO "+user, "GRANT SELECT, INSERT, UPDATE ON "+name+".tieout_positions TO "+user)
	denied("no right to add to the ledger", connectors.Append, "rent", "GRANT SELECT, INSERT ON")
	must(t, d, "GRANT SELECT, INSERT, UPDATE ON "+name+".tieout_loads TO "+user, "GRANT SELECT, INSERT, UPDATE ON "+name+".tieout_positions TO "+user)
	if _, err := loadRent(t, k, rentLoad(connectors.Append, 2), "b"); err != nil {
		t.Fatalf("with rights on the ledger: %v", err)
	}
	denied("no right to update", connectors.Upsert, "rent", "UPDATE")
	must(t, d, "GRANT UPDATE ON "+name+".rent TO "+user)
	denied("no right to delete", connectors.Replace, "rent", "DELETE")
	denied("no right to stage", connectors.Upsert, "rent", "TEMPORARY")
	denied("no right to create", connectors.Append, "brand_new", "CREATE")
	config.Passwd = "hunter2"
	if _, _, err := k.Position(context.Background(), rentLoad(connectors.Append, 2)); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), ": auth.refused: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("another password: %v", err)
	}
}

// TestMySQLCollations: keys that differ in case, accent or blanks at the end
// are different records, and so are values.
func TestMySQLCollations(t *testing.T) {
	d, k := mysqlFor(t)
	ids := []string{"a", "A", "ä", "a "}
	for table, refused := range map[string]int{
		"id varchar(20), amount decimal(12,2), due date":                                                   0,
		"id varchar(20) COLLATE utf8mb4_general_ci, amount decimal(12,2), due date":                        0,
		"id varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, amount decimal(12,2), due date":            3,
		"id varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, amount decimal(12,2), due date":                   1,
		"id varchar(20) COLLATE utf8mb4_nopad_bin PRIMARY KEY, amount decimal(12,2), due date":             0,
		"id char(20) COLLATE utf8mb4_nopad_bin PRIMARY KEY, amount decimal(12,2), due date":                1,
		"id varchar(20) CHARACTER SET latin1 COLLATE latin1_general_cs, amount decimal(12,2), due date":    0,
		"id varchar(20) CHARACTER SET ascii COLLATE ascii_bin, amount decimal(12,2), due date":             1,
		"id varbinary(20) PRIMARY KEY, amount decimal(12,2), due date, KEY (amount), CONSTRAINT CHECK (1)": 0,
	} {
		for _, mode := range []connectors.Mode{connectors.Upsert, connectors.Replace} {
			must(t, d, "DROP TABLE IF EXISTS rent", "CREATE TABLE rent ("+table+")")
			for round := range 2 {
				receipt, err := loadRent(t, k, rentLoad(mode, 2), ids...)
				fresh := int64(4 - refused)
				if round == 1 {
					fresh = 0
				}
				if err != nil || len(receipt.Refused) != refused || receipt.Inserted != fresh || receipt.Changed+receipt.Deleted != 0 ||
					receipt.Inserted+receipt.Unchanged != int64(4-refused) {
					t.Errorf("%s, %s, round %d: %v %+v", table, mode, round, err, receipt)
				}
			}
		}
	}
	must(t, d, "DROP TABLE rent", "CREATE TABLE rent (id varchar(20) PRIMARY KEY, amount varchar(20), due varchar(20)) COLLATE utf8mb4_general_ci",
		"INSERT INTO rent VALUES ('a', '1.50 ', '1970-01-01'), ('b', '1.50', '1970-01-01')")
	receipt, err := loadRent(t, k, rentLoad(connectors.Upsert, 2), "a", "b")
	if err != nil || receipt.Changed != 1 || receipt.Unchanged != 1 {
		t.Errorf("a value that differs in a blank: %v %+v", err, receipt)
	}
}

// TestMySQLNothingCut: values MySQL would cut, round or replace are refused.
func TestMySQLNothingCut(t *testing.T) {
	d, k := mysqlFor(t)
	shape := record.MustShape(record.NewField("id", record.Text), record.NewField("v", record.Text), record.NewField("n", record.Integer),
		record.NewField("at", record.Timestamp))
	for _, c := range []struct {
		columns, v string
		n, at      int64
		refused    bool
	}{
		{"v varchar(3), n int, at datetime", "abc", 1, 5_000_000, false},
		{"v varchar(3), n int, at datetime", "abc ", 1, 0, true},
		{"v tinytext, n int, at datetime", strings.Repeat("x", 255) + " ", 1, 0, true},
		{"v char(9), n int, at datetime", "ab ", 1, 0, true},
		{"v enum('1st','2nd'), n int, at datetime", "1", 1, 0, true},
		{"v enum('paid'), n int, at datetime", "PAID", 1, 0, true},
		{"v text, n tinyint, at datetime", "", 300, 0, true},
		{"v text, n int unsigned, at datetime", "", -1, 0, true},
		{"v text, n decimal(3,1), at datetime", "", 100, 0, true},
		{"v text, n int, at datetime", "", 1, 1, true},
		{"v text, n int, at datetime(3)", "", 1, 1_000, false},
		{"v text, n int, at timestamp NULL", "", 1, -1_000_000, true},
		{"v text CHARACTER SET latin1, n int, at datetime(6)", "東", 1, 1, true},
		{"v blob, n int, at datetime(6)", "東\x00'\\", 1, 1, false},
	} {
		must(t, d, "DROP TABLE IF EXISTS cut", "CREATE TABLE cut (id varchar(9), "+c.columns+")")
		for _, mode := range []connectors.Mode{connectors.Append, connectors.Upsert} {
			l := rentLoad(mode, 2)
			l.Stream, l.Shape = "cut", shape
			w, err := k.Begin(t.Context(), l)
			if err != nil {
				t.Fatal(c.columns, err)
			}
			b := new(record.Batch)
			b.Reset(shape, 1)
			b.Columns[0].SetString(0, "a")
			b.Columns[1].SetString(0, c.v)
			b.Columns[2].SetInt(0, c.n)
			b.Columns[3].SetInt(0, c.at)
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			receipt, err := w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
			if err != nil || (len(receipt.Refused) == 1) != c.refused {
				t.Errorf("%s %s: %v %+v", c.columns, mode, err, receipt)
			}
			if !c.refused && ask(t, d, "SELECT concat(hex(v), ' ', n) FROM cut") != fmt.Sprintf("%X %d", c.v, c.n) {
				t.Errorf("%s: the value changed", c.columns)
			}
		}
	}
}

func TestMySQLPoison(t *testing.T) {
	d, k := mysqlFor(t)
	for _, rule := range []string{
		"id varchar(9), amount decimal(12,2), due date, CHECK (id <> 'bad')",
		"id varchar(2), amount decimal(12,2), due date",
		"id varchar(9), amount decimal(12,2), due date, FOREIGN KEY (id) REFERENCES units (id)",
		"id varchar(9) PRIMARY KEY, amount decimal(12,2), due date, CHECK (id <> 'bad')",
	} {
		for _, mode := range modes() {
			must(t, d, "DROP TABLE IF EXISTS rent", "DROP TABLE IF EXISTS units", "CREATE TABLE units (id varchar(9) PRIMARY KEY)",
				"INSERT INTO units VALUES ('a'), ('b'), ('c'), ('d')", "CREATE TABLE rent ("+rule+", valid_from datetime(6), valid_to datetime(6))")
			receipt, err := loadRent(t, k, rentLoad(mode, 2), "a", "b", "bad", "c", "d")
			if err != nil || receipt.Inserted != 4 || len(receipt.Refused) != 1 {
				t.Errorf("%s, %s: %v %+v", rule, mode, err, receipt)
				continue
			}
			r := receipt.Refused[0]
			if r.Row != 2 || r.Line != 13 || !strings.Contains(r.Reason, "sink.poison") || string(r.Record) != `{"id":"bad","amount":"1.50","due":"1970-01-01"}` {
				t.Errorf("%s, %s: refusal %+v %s", rule, mode, r, r.Record)
			}
			if got := ask(t, d, "SELECT group_concat(id ORDER BY id) FROM rent"); got != "a,b,c,d" {
				t.Errorf("%s, %s: loaded %s", rule, mode, got)
			}
		}
	}
}

// TestMySQLUnknownCommit ends the server's side at the moment of approval.
func TestMySQLUnknownCommit(t *testing.T) {
	d, k := mysqlFor(t)
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
	mysqlKill(t, d)
	if err := own.commit(t.Context()); !errors.Is(err, connectors.ErrCommitUnknown) {
		t.Fatalf("commit on a connection that is gone: %v", err)
	}
	own.end()
	if _, found, err := k.Settle(t.Context(), l); found || err != nil {
		t.Fatalf("settle: found=%v err=%v", found, err)
	}
	if got := ask(t, d, "SELECT count(*) FROM rent"); got != "0" {
		t.Errorf("%s rows", got)
	}
}

// TestMySQLSettleWaits settles while the commit is between its fence and its
// end.
func TestMySQLSettleWaits(t *testing.T) {
	_, k := mysqlFor(t)
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

// TestMySQLFirstRuns lets several pipelines make the ledger and one table at
// once.
func TestMySQLFirstRuns(t *testing.T) {
	d, k := mysqlFor(t)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			l := rentLoad(modes()[i%2], 2)
			l.Pipeline, l.Stream = fmt.Sprint("rent", i), fmt.Sprint("rent", i/2)
			_, errs[i] = loadRent(t, k, l, fmt.Sprint("id", i))
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, d, "SELECT count(*) FROM tieout_loads"); got != "6" {
		t.Errorf("%s loads", got)
	}
}

// TestMySQLServerSettings loads and reads on a server whose defaults would
// leave rows out, and into a ledger that could not undo a load.
func TestMySQLServerSettings(t *testing.T) {
	d, k := mysqlFor(t)
	for name, value := range map[string]string{"sql_select_limit": "1", "sql_safe_updates": "1", "autocommit": "0", "sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"} {
		before := ask(t, d, "SELECT @@global."+name)
		if name == "sql_mode" {
			before = mysqlLiteral(before)
		}
		must(t, d, "SET GLOBAL "+name+" = "+value)
		t.Cleanup(func() { must(t, d, "SET GLOBAL "+name+" = "+before) })
	}
	for _, mode := range modes() {
		must(t, d, "DROP TABLE IF EXISTS rent")
		if receipt, err := loadRent(t, k, rentLoad(mode, 2), "a", `b\'`, "c"); err != nil || receipt.Inserted != 3 {
			t.Errorf("%s: %v %+v", mode, err, receipt)
		}
		if _, rows, _ := readRows(t, &source{flavor: &mysqlFlavor{db: d}}, connectors.Read{Stream: "rent", Zone: time.UTC}); len(rows) != 3 || !strings.Contains(rows[1], `"b\\'"`) {
			t.Errorf("%s: read %v", mode, rows)
		}
	}
	must(t, d, "ALTER TABLE tieout_loads ENGINE = MyISAM")
	if _, err := loadRent(t, k, rentLoad(connectors.Append, 2), "a"); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "tieout_loads") {
		t.Errorf("a ledger in MyISAM: %v", err)
	}
}

// TestMySQLOpenLoad ends loads while rows come in.
func TestMySQLOpenLoad(t *testing.T) {
	d, k := mysqlFor(t)
	must(t, d, "CREATE TABLE rent (id text, amount decimal(12,2), due date)")
	before := goleak.IgnoreCurrent()
	ids := slices.Repeat([]string{strings.Repeat("x", 200)}, 1000)
	for _, name := range []string{"abort", "cancel", "killed"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := rentLoad(connectors.Append, 2)
			w, err := k.Begin(ctx, l)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort(context.Background())
			for seq := int64(0); seq < 100 && err == nil; seq++ {
				if err = w.Write(ctx, rentBatch(l, seq, ids...)); seq == 20 && name == "cancel" {
					cancel()
				} else if seq == 20 && name == "killed" {
					mysqlKill(t, d)
				} else if seq == 20 {
					break
				}
			}
			if name == "cancel" && !errors.Is(err, context.Canceled) || name == "killed" && !errors.Is(err, connectors.ErrEnvironment) {
				t.Errorf("write: %v", err)
			}
			if err := w.Abort(context.Background()); err != nil {
				t.Errorf("abort: %v", err)
			}
			if got := ask(t, d, "SELECT count(*) FROM rent"); got != "0" {
				t.Errorf("%s rows", got)
			}
		})
	}
	goleak.VerifyNone(t, before)
}
