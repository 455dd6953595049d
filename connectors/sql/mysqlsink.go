package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// ledger finds or creates the two tables. MySQL commits whenever a table is
// made, so it is done before any transaction.
func (d *mysqlDB) ledger(ctx context.Context, s *session, create bool) (*ledger, error) {
	schema := cmp.Or(d.ledgerSchema, d.config.DBName)
	l, err := ledgerIn(s, &d.words, schema)
	if err != nil {
		return nil, err
	}
	var there, sound int
	err = s.get(ctx, "SELECT count(*), count(CASE WHEN engine = 'InnoDB' THEN 1 END) FROM information_schema.tables WHERE table_schema = ? AND table_name IN ('tieout_loads', 'tieout_positions')",
		[]any{schema}, &there, &sound)
	switch {
	case err != nil:
		return nil, s.wrap(err, "look for the ledger tables")
	case there != sound:
		return nil, codedError(document.CodeSinkType, "tables tieout_loads and tieout_positions of database %q are kept by an engine that cannot undo a load; ALTER TABLE them to ENGINE = InnoDB", schema)
	case there == 2 && create:
		return l, d.ledgerRights(ctx, l)
	case there == 2:
		return l, nil
	case !create:
		return nil, nil
	}
	for _, statement := range l.ddl(&d.words) {
		if err := s.exec(ctx, "create the ledger tables", statement); err != nil {
			return nil, mysqlDenied(err, "tables tieout_loads and tieout_positions cannot be created in database %q; %s, or where they are there already GRANT SELECT, INSERT, UPDATE ON %s and GRANT SELECT, INSERT ON %s TO that user, or write `ledger:` with a database the user may create in", schema, madeByHand(d.connection), l.positions, l.loads)
		}
	}
	return l, nil
}

// script gives the statements that create the tables.
func (d *mysqlDB) script() ([]string, error) {
	l, err := ledgerIn(nil, &d.words, cmp.Or(d.ledgerSchema, d.config.DBName))
	if err != nil {
		return nil, err
	}
	return l.ddl(&d.words), nil
}

// ledgerRights proves every right a load needs on tables that are there by
// statements that touch no row.
func (d *mysqlDB) ledgerRights(ctx context.Context, l *ledger) error {
	for _, table := range []string{l.positions, l.loads} {
		need := "SELECT, INSERT"
		probes := []string{"INSERT INTO " + table + " SELECT * FROM " + table + " WHERE 1 = 0"}
		if table == l.positions {
			need = "SELECT, INSERT, UPDATE"
			probes = append(probes, "UPDATE "+table+" SET epoch = epoch WHERE 1 = 0")
		}
		for _, probe := range probes {
			if err := l.s.exec(ctx, "check the rights on the ledger", probe); err != nil {
				return mysqlDenied(err, "the user may not write to the ledger table %s; GRANT %s ON %s TO that user", table, need, table)
			}
		}
	}
	return nil
}

// mysqlDenied says what to do when an error is about rights or a database that
// is not there, and returns other errors as they are.
func mysqlDenied(err error, format string, args ...any) error {
	var me *mysql.MySQLError
	if errors.As(err, &me) && slices.Contains([]uint16{1044, 1049, 1142, 1143, 1227, 1370}, me.Number) {
		return fmt.Errorf("%w: %s: %s: %s", connectors.ErrEnvironment, document.CodeSinkPermission, fmt.Sprintf(format, args...), me.Message)
	}
	return err
}

// locked begins a transaction that waits at most a minute for a commit under
// way. A server notices a client that vanished only when it next talks to it,
// so a longer wait needs a person: KILL ends the old session.
func (d *mysqlDB) locked(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "begin", "SET SESSION innodb_lock_wait_timeout = 60"); err != nil {
		return err
	}
	return s.exec(ctx, "begin", "START TRANSACTION")
}

// begin checks the target, creates it when it is missing, and opens the data
// transaction.
func (d *mysqlDB) begin(ctx context.Context, s *session, load connectors.Load, r *refusals) (loader, error) {
	p, err := d.target(ctx, s, load)
	if err != nil {
		return nil, err
	}
	if load.Mode != connectors.Append {
		if err := d.stage(ctx, s, p); err != nil {
			return nil, err
		}
	}
	var packet int64
	if err := s.get(ctx, "SELECT @@max_allowed_packet", nil, &packet); err != nil {
		return nil, s.wrap(err, "ask for the largest statement")
	}
	if err := s.exec(ctx, "begin", "START TRANSACTION"); err != nil {
		return nil, err
	}
	return newInserter(s, p, r, packet), nil
}

// stage makes the staging table: the target's columns without its rules, and
// the row number. A default that is no date any more stands in no way there.
func (d *mysqlDB) stage(ctx context.Context, s *session, p *plan) error {
	p.stage, p.found = "tieout_stage", "tieout_found"
	lines := []string{rowColumn + " bigint NOT NULL PRIMARY KEY"}
	if len(p.keys) > 0 {
		lines = append(lines, "KEY tieout_key ("+mysqlIndexed(p)+")")
	}
	for _, statement := range []string{
		"SET SESSION sql_mode = '" + mysqlReadModes + "'",
		"CREATE TEMPORARY TABLE tieout_stage (" + strings.Join(lines, ", ") + ") ENGINE=InnoDB AS SELECT 0 AS " + rowColumn + ", " + p.list("") +
			" FROM " + p.target + " WHERE 1 = 0",
		"SET SESSION sql_mode = '" + mysqlLoadModes + "'",
		"CREATE TEMPORARY TABLE tieout_found (" + rowColumn + " bigint NOT NULL PRIMARY KEY) ENGINE=InnoDB",
	} {
		if err := s.exec(ctx, "create the staging table", statement); err != nil {
			return mysqlDenied(err, "the user may not create temporary tables in database %q; GRANT CREATE TEMPORARY TABLES ON it", d.config.DBName)
		}
	}
	return nil
}

// mysqlIndexed lists the key columns for an index, the beginnings of those
// that may be long.
func mysqlIndexed(p *plan) string {
	var parts []string
	for _, i := range p.keys {
		part := p.columns[i].quoted
		if room := &p.columns[i].room; room.chars > 191 || room.bytes > 191 {
			part += "(191)"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// present brings keys into a temporary table.
func (d *mysqlDB) present(ctx context.Context, s *session, keys, load *plan, k *kept) (string, error) {
	statement := "CREATE TEMPORARY TABLE " + keys.stage + " (" + rowColumn + " bigint NOT NULL PRIMARY KEY, KEY tieout_key (" + mysqlIndexed(load) +
		")) ENGINE=InnoDB AS SELECT 0 AS " + rowColumn + ", " + keys.list("") + " FROM " + load.target + " WHERE 1 = 0"
	if err := s.exec(ctx, "create the table of keys", statement); err != nil {
		return "", err
	}
	t := newInserter(s, keys, &refusals{most: math.MaxInt}, insertBytes)
	if err := k.batches(func(b *record.Batch) error { return t.write(ctx, b) }); err != nil {
		return "", err
	}
	return keys.stage, t.flush(ctx)
}
