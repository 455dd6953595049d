package sql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// widenRent loads into the table rent, whose column due is to be added.
func widenRent(t *testing.T, k connectors.Sink, mode connectors.Mode, anywhere bool, ids ...string) (connectors.Receipt, error) {
	t.Helper()
	l := rentLoad(mode, 2)
	l.Extra, l.ExtraAnywhere = []string{"due"}, anywhere
	return loadRent(t, k, l, ids...)
}

// statementFor checks that an error is about rights and names the statement
// that a person must run.
func statementFor(t *testing.T, err error, statement string) {
	t.Helper()
	if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "sink.permission") || !strings.Contains(err.Error(), statement) {
		t.Errorf("no right to alter: %v, want %s", err, statement)
	}
}

func TestPostgresWidenRights(t *testing.T) {
	d, k := pgFor(t)
	user := fmt.Sprintf("clerk%d", time.Now().UnixNano())
	must(t, d, "CREATE TABLE rent (id text PRIMARY KEY, amount numeric)", "COMMENT ON TABLE rent IS 'Rents. "+createdMark+"'",
		"CREATE ROLE "+user+" LOGIN PASSWORD 'clerk'", "GRANT ALL ON rent TO "+user, "GRANT ALL ON SCHEMA "+ask(t, d, "SELECT current_schema()")+" TO "+user)
	t.Cleanup(func() { must(t, d, "DROP OWNED BY "+user, "DROP ROLE "+user) })
	clerk := *d
	clerk.config.User, clerk.config.Password = user, "clerk"
	_, err := widenRent(t, &sink{dialect: &clerk, now: time.Now}, connectors.Upsert, false, "a")
	statementFor(t, err, `ALTER TABLE "rent" ADD COLUMN "due" date;`)
	if _, err := widenRent(t, k, connectors.Upsert, false, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := widenRent(t, &sink{dialect: &clerk, now: time.Now}, connectors.Upsert, false, "b"); err != nil {
		t.Errorf("once the column is there: %v", err)
	}
}

// TestPostgresWidenCollation: a staged text compares as one of the target.
func TestPostgresWidenCollation(t *testing.T) {
	d, k := pgFor(t)
	must(t, d, `CREATE DOMAIN cents AS numeric(12,2)`, `CREATE TABLE rent (id text COLLATE "C", amount cents)`, "INSERT INTO rent VALUES ('a', 1.50)")
	for _, mode := range modes() {
		if mode == connectors.History {
			continue
		}
		if _, err := widenRent(t, k, mode, true, "a", "b"); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		must(t, d, "ALTER TABLE rent DROP COLUMN due")
	}
}

// TestPostgresWidenRace: a column of the same name and another type.
func TestPostgresWidenRace(t *testing.T) {
	d, k := pgFor(t)
	must(t, d, "CREATE TABLE rent (id text, amount numeric)")
	l := rentLoad(connectors.Append, 2)
	l.Extra, l.ExtraAnywhere = []string{"due"}, true
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort(t.Context())
	must(t, d, "ALTER TABLE rent ADD COLUMN due text")
	if err := w.Write(t.Context(), rentBatch(l, 0, "a")); err != nil {
		t.Fatal(err)
	}
	_, err = w.Commit(t.Context(), connectors.Ledger{}, func(connectors.Receipt) error { return nil })
	if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), `"due"`) || !strings.Contains(err.Error(), "text") {
		t.Errorf("another load added the column as text: %v", err)
	}
}

func TestMySQLWidenRights(t *testing.T) {
	d, _ := mysqlFor(t)
	user := fmt.Sprintf("clerk%d", time.Now().UnixNano())
	name := d.config.DBName
	must(t, d, "CREATE TABLE rent (id varchar(20) PRIMARY KEY, amount decimal(38,2)) COMMENT='"+createdMark+"'",
		"CREATE USER "+user+" IDENTIFIED BY 'clerk'", "GRANT SELECT, INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES ON "+name+".* TO "+user)
	t.Cleanup(func() { must(t, d, "DROP USER "+user) })
	config := *d.config
	config.User, config.Passwd = user, "clerk"
	clerk := *d
	clerk.config = &config
	_, err := widenRent(t, &sink{dialect: &clerk, now: time.Now}, connectors.Upsert, false, "a")
	statementFor(t, err, "ALTER TABLE `"+name+"`.`rent` ADD COLUMN `due` date NULL;")
}

// TestWidenFolds: a new field that differs from another in case alone has no
// column of its own where the database folds names.
func TestWidenFolds(t *testing.T) {
	lite := newSQLite(t.TempDir(), "a.db")
	maria, onMaria := mysqlFor(t)
	for name, k := range map[string]*sink{"sqlite": {dialect: lite, now: time.Now}, "mariadb": onMaria} {
		must(t, k.dialect, "CREATE TABLE rent (id varchar(20), amount text)")
		l := rentLoad(connectors.Append, 2)
		l.Shape = record.MustShape(record.NewField("id", record.Text), record.NewField("ID", record.Text))
		l.Extra, l.ExtraAnywhere = []string{"ID"}, true
		_, err := k.Begin(t.Context(), l)
		if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), `"id" and "ID" would be one column`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := ask(t, maria, "SELECT count(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'rent'"); got != "2" {
		t.Errorf("the table has %s columns", got)
	}
}
