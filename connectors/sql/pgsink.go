package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/lib/pq"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// ledgerLock is the advisory lock under which the ledger tables are created,
// so that two first runs do not trip over one another.
const ledgerLock = 0x7469656f7574 // "tieout"

// ledger finds or creates the two tables.
func (p *postgres) ledger(ctx context.Context, s *session, create bool) (*ledger, error) {
	schema := p.ledgerSchema
	if schema == "" {
		var current stdsql.NullString
		if err := s.get(ctx, "SELECT current_schema()", nil, &current); err != nil {
			return nil, s.wrap(err, "look for the default schema")
		}
		if schema = current.String; schema == "" {
			return nil, configError("the connection has no default schema to keep the ledger in; write `ledger: a_schema` under sink")
		}
	}
	l, err := ledgerIn(s, &p.words, schema)
	if err != nil {
		return nil, err
	}
	there, err := p.ledgerThere(ctx, l, schema)
	switch {
	case err != nil:
		return nil, err
	case there && create:
		return l, p.ledgerRights(ctx, l)
	case there:
		return l, nil
	case !create:
		return nil, nil
	}
	return l, p.createLedger(ctx, l, schema)
}

// script gives the statements that create the tables.
func (p *postgres) script() ([]string, error) {
	l, err := ledgerIn(nil, &p.words, p.ledgerSchema)
	if err != nil {
		return nil, err
	}
	return l.ddl(&p.words), nil
}

// ledgerRights asks for every right a load needs on tables that are there.
func (p *postgres) ledgerRights(ctx context.Context, l *ledger) error {
	for table, rights := range map[string]string{l.positions: "SELECT, INSERT, UPDATE", l.loads: "SELECT, INSERT"} {
		for right := range strings.SplitSeq(rights, ", ") {
			var has bool
			if err := l.s.get(ctx, "SELECT has_table_privilege($1::text, $2::text)", []any{table, right}, &has); err != nil {
				return l.s.wrap(err, "check the rights on %s", table)
			}
			if !has {
				return fmt.Errorf("%w: %s: the user may not %s on the ledger table %s; GRANT %s ON %s TO that user",
					connectors.ErrEnvironment, document.CodeSinkPermission, right, table, rights, table)
			}
		}
	}
	return nil
}

func (p *postgres) ledgerThere(ctx context.Context, l *ledger, schema string) (there bool, err error) {
	err = l.s.get(ctx, "SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL", []any{l.loads, l.positions}, &there)
	var pe *pq.Error
	if errors.As(err, &pe) && pe.Code == "42501" {
		return false, fmt.Errorf("%w: %s: the user may not look into schema %q, where the ledger is: %s; GRANT USAGE ON SCHEMA %s TO that user",
			connectors.ErrEnvironment, document.CodeSinkPermission, schema, pe.Message, strings.TrimSuffix(l.loads, ".tieout_loads"))
	}
	return there, l.s.wrap(err, "look for the ledger tables")
}

func (p *postgres) createLedger(ctx context.Context, l *ledger, schema string) error {
	statement := fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d); %s; COMMIT", int64(ledgerLock), strings.Join(l.ddl(&p.words), ";\n"))
	err := l.s.exec(ctx, "create the ledger tables", statement)
	if err == nil {
		return nil
	}
	_ = l.s.exec(ctx, "roll back", "ROLLBACK")
	var pe *pq.Error
	if errors.As(err, &pe) && (pe.Code == "42501" || pe.Code == "3F000") {
		return fmt.Errorf("%w: %s: tables tieout_loads and tieout_positions cannot be created in schema %q: %s; %s, or write `ledger:` with a schema the user may create in",
			connectors.ErrEnvironment, document.CodeSinkPermission, schema, pe.Message, madeByHand(p.connection))
	}
	return err
}

// locked begins a transaction that waits at most a minute for a commit under
// way. A server notices a client that vanished only when it next talks to it,
// so a longer wait needs a person: pg_terminate_backend ends the old session.
func (p *postgres) locked(ctx context.Context, s *session) error {
	return s.exec(ctx, "begin", "BEGIN; SET LOCAL lock_timeout = '60s'")
}

// begin checks the target and opens the data transaction.
func (p *postgres) begin(ctx context.Context, s *session, load connectors.Load, r *refusals) (loader, error) {
	plan, err := p.target(ctx, s, load)
	if err != nil {
		return nil, err
	}
	if err := plan.finish(&load); err != nil {
		return nil, err
	}
	// READ COMMITTED, so that the fence sees epochs taken after this moment.
	if err := s.exec(ctx, "begin", "BEGIN ISOLATION LEVEL READ COMMITTED; SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return nil, err
	}
	// A missing table is created, and a missing column added, with the merge,
	// and until then the rows wait in staging: an open transaction that holds
	// either would make everybody else wait for this one.
	changes := len(plan.create)+len(plan.wide.adds) > 0
	straight := load.Mode == connectors.Append && !changes
	blank := false
	if load.Mode == connectors.Upsert && plan.unique && !changes {
		if blank, err = p.blank(ctx, s, plan); err != nil {
			return nil, err
		}
	}
	if !straight && !blank {
		if err := p.stage(ctx, s, plan); err != nil {
			return nil, err
		}
	}
	c := newCopier(s, plan, load.Stream[strings.LastIndexByte(load.Stream, '.')+1:], r)
	if blank {
		c.divert = func(ctx context.Context) error { return p.move(ctx, s, plan) }
	}
	return c, nil
}

// blank reports whether the target is empty, so that an upsert may go straight
// into it: its unique index finds a key that comes twice, and then the rows
// are moved out again, which takes the right to delete.
func (p *postgres) blank(ctx context.Context, s *session, plan *plan) (yes bool, err error) {
	err = s.conn.GetContext(ctx, &yes, "SELECT has_table_privilege($1::regclass, 'DELETE') AND NOT EXISTS (SELECT 1 FROM "+plan.target+")", plan.target)
	return yes, s.wrap(err, "look into %q", plan.name)
}

// ownRows finds the rows that the open transaction has put in: those of other
// sessions can be seen only once their transactions have ended. A savepoint has
// a number of its own, near that of the transaction, perhaps beyond a turn of
// the 32 bits a row keeps.
const ownRows = `txid_status((txid_current() >> 32 << 32) + xmin::text::bigint + CASE
	WHEN xmin::text::bigint - (txid_current() & 4294967295) > 2147483648 THEN -4294967296
	WHEN xmin::text::bigint - (txid_current() & 4294967295) < -2147483648 THEN 4294967296 ELSE 0 END) = 'in progress'`

// move makes the staging table and puts what was loaded into it, numbered in
// order: fewer than the numbers of the rows that follow, which leave room for
// all of a batch.
func (p *postgres) move(ctx context.Context, s *session, plan *plan) error {
	if err := p.stage(ctx, s, plan); err != nil {
		return err
	}
	err := s.exec(ctx, "stage what was loaded", "INSERT INTO "+plan.stage+" ("+plan.list("")+", "+rowColumn+") SELECT "+plan.list("")+", row_number() OVER (ORDER BY ctid) - 1 FROM "+plan.target+" WHERE "+ownRows)
	if err != nil {
		return err
	}
	return s.exec(ctx, "empty the target again", "DELETE FROM "+plan.target+" WHERE "+ownRows)
}

// stage makes the staging table: the target's columns without its rules, and
// the row number.
func (p *postgres) stage(ctx context.Context, s *session, plan *plan) error {
	plan.stage = "pg_temp." + stageTable
	plan.index = "CREATE INDEX ON " + plan.stage + " (" + rowColumn + ")"
	statement := "CREATE TEMP TABLE " + stageTable + " ON COMMIT DROP AS SELECT " + plan.list("") + ", 0::bigint AS " + rowColumn +
		" FROM " + plan.target + " WITH NO DATA"
	// Without a look at the target, which two loads that both change it would
	// wait for each other to let go of.
	if len(plan.create)+len(plan.wide.adds) > 0 {
		statement = "CREATE TEMP TABLE " + stageTable + " ("
		for i := range plan.columns {
			statement += plan.columns[i].quoted + " " + plan.columns[i].typ
			if collation := plan.columns[i].collation; collation != "" {
				statement += " COLLATE " + collation
			}
			statement += ", "
		}
		statement += rowColumn + " bigint) ON COMMIT DROP"
	}
	if len(plan.keys) > 0 {
		plan.analyze = "ANALYZE " + plan.stage + " (" + plan.keyList() + ")"
		plan.probe, plan.probed = "SELECT set_config('random_page_cost', current_setting('seq_page_cost'), true)", "SET LOCAL random_page_cost TO DEFAULT"
	}
	err := s.exec(ctx, "create the staging table", statement)
	var pe *pq.Error
	if errors.As(err, &pe) && pe.Code == "42501" {
		return fmt.Errorf("%w: %s: the user may not create temporary tables (%s); GRANT TEMPORARY ON DATABASE to it",
			connectors.ErrEnvironment, document.CodeSinkPermission, pe.Message)
	}
	return err
}

// postgresExplain reads the parts of an error of PostgreSQL.
func postgresExplain(err error) (reason string, columns []string) {
	var pe *pq.Error
	if !errors.As(err, &pe) {
		return err.Error(), nil
	}
	if pe.Column != "" {
		columns = []string{pe.Column}
	}
	if pe.Detail != "" {
		return pe.Message + "; " + pe.Detail, columns
	}
	return pe.Message, columns
}

// present brings keys into a temporary table.
func (p *postgres) present(ctx context.Context, s *session, keys, load *plan, k *kept) (string, error) {
	keys.stage = "pg_temp.tieout_present"
	statement := "CREATE TEMP TABLE tieout_present ON COMMIT DROP AS SELECT " + keys.list("") + ", 0::bigint AS " + rowColumn + " FROM " + load.stage + " WITH NO DATA"
	if err := s.exec(ctx, "create the table of keys", statement); err != nil {
		return "", err
	}
	c := newCopier(s, keys, "tieout_present", &refusals{most: math.MaxInt})
	if err := k.batches(func(b *record.Batch) error { return c.write(ctx, b) }); err != nil {
		return "", err
	}
	return keys.stage, c.finish(ctx)
}
