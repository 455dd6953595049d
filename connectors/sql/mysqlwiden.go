package sql

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// addColumns adds the columns the target lacks. MySQL commits whenever a table
// is changed, so it is done before any transaction, and what another load has
// added in the meantime is there.
func (d *mysqlDB) addColumns(ctx context.Context, s *session, p *plan) error {
	collation, err := mysqlCollation(ctx, s)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range p.wide.adds {
		names = append(names, c.name)
		c.typ = mysqlAdded(c.field, collation)
	}
	p.wide.may, p.wide.folds, p.wide.kept = true, true, true // the server says who may
	if err := p.mayAlter(0); err != nil {
		return err
	}
	if err := mysqlNames(names); err != nil {
		return err
	}
	// Others wait behind this one for loads that are open, so not for ever; and
	// a default of another column that is no date any more stands in no way.
	const wait = "SET SESSION lock_wait_timeout = 60, sql_mode = '" + mysqlReadModes + "'"
	if err := s.exec(ctx, "prepare to add columns", wait); err != nil {
		return err
	}
	for _, c := range p.wide.adds {
		if err := d.addColumn(ctx, s, p, c); err != nil {
			return err
		}
	}
	return s.exec(ctx, "prepare the session", "SET SESSION lock_wait_timeout = DEFAULT, sql_mode = '"+mysqlLoadModes+"'")
}

func (d *mysqlDB) addColumn(ctx context.Context, s *session, p *plan, c *column) error {
	err := s.exec(ctx, fmt.Sprintf("add column %q to table %q", c.name, p.name), p.alter(c))
	var me *mysql.MySQLError
	switch {
	case err == nil:
		p.wide.added = append(p.wide.added, c.name)
		return nil
	case !errors.As(err, &me):
		return err
	case me.Number == 1060: // another load was faster
		return nil
	case me.Number == 1205: // the wait for others has ended
		return fmt.Errorf("%w: %w; others are at work on the table, run it again", connectors.ErrEnvironment, err)
	}
	return mysqlDenied(err, "table %q has no column for %q of the source, and the user may not add one; run %s as a user who may, or leave the field out with a select",
		p.name, c.name, p.alters())
}

// mysqlAdded is the type of an added column: that of a created table, whatever
// the character set of this one.
func mysqlAdded(f record.Field, collation string) string {
	typ := mysqlCreated(f, false, 1)
	switch f.Kind {
	case record.Integer, record.Decimal, record.Boolean, record.Date, record.Timestamp:
		return typ + " NULL"
	}
	return typ + " CHARACTER SET utf8mb4 COLLATE " + collation + " NULL"
}
