package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// mysqlColumn is one column as the catalog has it.
type mysqlColumn struct {
	Name      string            `db:"name"`
	Type      string            `db:"type"`
	Shown     string            `db:"shown"`
	Precision stdsql.NullInt64  `db:"digits"`
	Scale     stdsql.NullInt64  `db:"scale"`
	Fraction  stdsql.NullInt64  `db:"fraction"`
	Chars     stdsql.NullInt64  `db:"chars"`
	Charset   stdsql.NullString `db:"charset"`
	Collation stdsql.NullString `db:"collation"`
	Required  bool              `db:"required"`
	Filled    bool              `db:"filled"`
	Generated bool              `db:"generated"`
}

const mysqlColumns = `SELECT column_name AS name, data_type AS type, column_type AS shown, numeric_precision AS digits, numeric_scale AS scale,
	datetime_precision AS fraction, character_maximum_length AS chars, character_set_name AS charset, collation_name AS collation,
	is_nullable = 'NO' AS required, (column_default IS NOT NULL OR extra LIKE '%auto_increment%') AS filled,
	coalesce(generation_expression, '') <> '' AS "generated"
FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`

// target looks the table of a load up and fits the plan to it. A missing table
// is created first, outside of any transaction, as MySQL has it.
func (d *mysqlDB) target(ctx context.Context, s *session, load connectors.Load) (*plan, error) {
	name, err := parseTable(load.Stream)
	if err != nil {
		return nil, err
	}
	if name.schema == "" {
		name.schema = d.config.DBName
	}
	p, err := newPlan(load, name, &d.words)
	if err != nil {
		return nil, err
	}
	p.name = load.Stream
	if err := checkCreated(p.names(), 0, true); err != nil {
		return nil, err
	}
	there, err := d.look(ctx, s, p, name)
	if err != nil {
		return nil, err
	}
	if !there {
		if err := d.create(ctx, s, p); err != nil {
			return nil, err
		}
	}
	if err := d.fit(ctx, s, p, name); err != nil {
		return nil, err
	}
	if err := p.finish(&load); err != nil {
		return nil, err
	}
	return p, d.rights(ctx, s, p, &load)
}

// look finds the table. One that cannot undo what it was given is refused.
func (d *mysqlDB) look(ctx context.Context, s *session, p *plan, name tableName) (bool, error) {
	var tables []struct {
		Kind   string            `db:"kind"`
		Mark   string            `db:"mark"`
		Engine stdsql.NullString `db:"engine"`
	}
	err := s.conn.SelectContext(ctx, &tables, "SELECT table_type AS kind, table_comment AS mark, engine AS engine FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
		name.schema, name.table)
	if err != nil || len(tables) == 0 {
		return false, s.wrap(err, "look for table %q", p.name)
	}
	if kind := tables[0].Kind; kind != "BASE TABLE" && kind != "SYSTEM VERSIONED" {
		return false, configError("%q is no table; load into a table", p.name)
	}
	if engine := tables[0].Engine.String; !strings.EqualFold(engine, "InnoDB") {
		return false, codedError(document.CodeSinkType, "table %q is kept by the engine %s, which cannot undo a load; ALTER TABLE %s ENGINE = InnoDB", p.name, engine, p.target)
	}
	p.wide.open = p.wide.open || strings.Contains(tables[0].Mark, createdMark)
	return true, nil
}

// rights proves every right the mode needs by statements that touch no row.
func (d *mysqlDB) rights(ctx context.Context, s *session, p *plan, load *connectors.Load) error {
	nothing := " FROM " + p.target + " WHERE 1 = 0"
	var all []string
	for _, c := range p.fitted() {
		all = append(all, c.quoted)
	}
	probes := map[string]string{"INSERT": "INSERT INTO " + p.target + " (" + strings.Join(all, ", ") + ") SELECT " + strings.Repeat("NULL, ", len(all)-1) + "NULL FROM DUAL WHERE 1 = 0"}
	need := neededRights(load)
	if slices.Contains(need, "SELECT") {
		probes["SELECT"] = "SELECT " + p.list("") + nothing
		probes["UPDATE"] = "UPDATE " + p.target + " SET " + p.columns[0].quoted + " = " + p.columns[0].quoted + " WHERE 1 = 0"
	}
	if slices.Contains(need, "DELETE") {
		probes["DELETE"] = "DELETE" + nothing
	}
	for right, probe := range probes {
		if err := s.exec(ctx, fmt.Sprintf("check the rights on %q", p.name), probe); err != nil {
			return mysqlDenied(err, "the user may not %s on table %q; GRANT %s ON %s TO that user", right, p.name, right, p.target)
		}
	}
	return nil
}

// fit gives every field its column. Columns that may be added are, once all
// others are known to fit.
func (d *mysqlDB) fit(ctx context.Context, s *session, p *plan, name tableName) error {
	if err := d.fitColumns(ctx, s, p, name); err != nil || len(p.wide.adds) == 0 {
		return err
	}
	if err := d.addColumns(ctx, s, p); err != nil {
		return err
	}
	p.wide.adds, p.wide.open = nil, false
	return d.fitColumns(ctx, s, p, name)
}

func (d *mysqlDB) fitColumns(ctx context.Context, s *session, p *plan, name tableName) error {
	var columns []mysqlColumn
	if err := s.conn.SelectContext(ctx, &columns, strings.ReplaceAll(mysqlColumns, `"`, "`"), name.schema, name.table); err != nil {
		return s.wrap(err, "read the columns of %q", p.name)
	}
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	given := make(map[int]bool)
	for _, c := range p.fitted() {
		at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, c.name) })
		if at < 0 {
			if err := p.missing(c, names); err != nil {
				return err
			}
			continue
		}
		given[at] = true
		if err := mysqlFit(p, c, &columns[at]); err != nil {
			return err
		}
	}
	for i := range columns {
		if columns[i].Required && !columns[i].Filled && !columns[i].Generated && !given[i] {
			return codedError(document.CodeSinkMissingColumn, "column %q of table %q needs a value and no field has that name; add the field, or give the column a default",
				columns[i].Name, p.name)
		}
	}
	return nil
}

// create makes the table. Its texts are compared byte by byte.
func (d *mysqlDB) create(ctx context.Context, s *session, p *plan) error {
	if err := mysqlNames(append(p.names(), p.name)); err != nil {
		return err
	}
	collation, err := mysqlCollation(ctx, s)
	if err != nil {
		return err
	}
	var lines []string
	for i, c := range p.fitted() {
		line := c.quoted + " " + mysqlCreated(c.field, slices.Contains(p.keys, i), len(p.keys))
		if p.needed(i) {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	if len(p.keys) > 0 {
		lines = append(lines, "PRIMARY KEY ("+p.identity()+")")
	}
	err = s.exec(ctx, fmt.Sprintf("create table %q", p.name), "CREATE TABLE IF NOT EXISTS "+p.target+" (\n\t"+strings.Join(lines, ",\n\t")+
		"\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE="+collation+" COMMENT="+literal(createdMark))
	return mysqlDenied(err, "table %q does not exist and the user may not create it; GRANT CREATE, or create the table", p.name)
}

// mysqlNames refuses names that MySQL does not keep.
func mysqlNames(names []string) error {
	for _, name := range names {
		if utf8.RuneCountInString(name) > 64 || strings.TrimRight(name, " \t\r\n\v\f") != name {
			return configError("MySQL keeps no name longer than 64 characters or with a blank at its end, such as %q; rename it", name)
		}
	}
	return nil
}

// mysqlCollation is the one that compares texts byte by byte.
func mysqlCollation(ctx context.Context, s *session) (string, error) {
	maria, err := isMariaDB(ctx, s)
	if maria {
		return "utf8mb4_nopad_bin", err
	}
	return "utf8mb4_0900_bin", err
}

// mysqlCreated is the type a field gets in a table that is created. JSON would
// make binary floats of numbers; instants are kept in UTC, since TIMESTAMP ends
// in 2038.
func mysqlCreated(f record.Field, key bool, keys int) string {
	switch f.Kind {
	case record.Integer:
		return "bigint"
	case record.Decimal:
		if f.Scale >= 0 && f.Scale <= mostScale {
			return fmt.Sprintf("decimal(%d,%d)", max(createdPrecision, min(65, f.Scale+20)), f.Scale)
		}
		return fmt.Sprintf("decimal(65,%d)", mostScale)
	case record.Boolean:
		return "boolean"
	case record.Date:
		return "date"
	case record.Timestamp:
		return "datetime(6)"
	case record.Month:
		return "varchar(7)"
	}
	if key { // an index takes 3072 bytes in all
		return fmt.Sprintf("varchar(%d)", min(250, 750/keys))
	}
	return "longtext"
}
