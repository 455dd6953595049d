package sql

import (
	"context"

	"github.com/tieout/tieout/connectors"
)

// ledger finds or creates the two tables.
func (d *sqliteDB) ledger(ctx context.Context, s *session, create bool) (*ledger, error) {
	l := &ledger{s: s, loads: "main.tieout_loads", positions: "main.tieout_positions"}
	var there bool
	err := s.get(ctx, "SELECT count(*) = 2 FROM main.sqlite_schema WHERE type = 'table' AND name IN ('tieout_loads', 'tieout_positions')", nil, &there)
	switch {
	case err != nil:
		return nil, s.wrap(err, "look for the ledger tables")
	case there:
		return l, nil
	case !create:
		return nil, nil
	}
	statements := append([]string{"BEGIN IMMEDIATE"}, l.ddl(&d.words)...)
	for _, statement := range append(statements, "COMMIT") {
		if err := s.exec(ctx, "create the ledger tables", statement); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// locked takes the one write lock of the file.
func (d *sqliteDB) locked(ctx context.Context, s *session) error {
	return s.exec(ctx, "begin", "BEGIN IMMEDIATE")
}

// begin checks the target and makes the staging table, which is in a
// temporary file of its own: the target is not locked while rows come in.
func (d *sqliteDB) begin(ctx context.Context, s *session, load connectors.Load, r *refusals) (loader, error) {
	plan, err := d.target(ctx, s, load)
	if err != nil {
		return nil, err
	}
	plan.stage = "temp.tieout_stage"
	// Columns without a type keep every value as it was bound.
	statement := "CREATE TEMP TABLE tieout_stage (" + rowColumn + " INTEGER PRIMARY KEY, " + plan.list("") + ")"
	if err := s.exec(ctx, "create the staging table", statement); err != nil {
		return nil, err
	}
	if err := s.exec(ctx, "begin staging", "BEGIN DEFERRED"); err != nil {
		return nil, err
	}
	return newStager(ctx, s, plan, r)
}
