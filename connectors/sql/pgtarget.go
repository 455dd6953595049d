package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// pgColumn is one column as the catalog has it. Type is the base type under
// any domain.
type pgColumn struct {
	Name      string `db:"name"`
	Type      string `db:"type"`
	Shown     string `db:"shown"`
	Modifier  int32  `db:"modifier"`
	Required  bool   `db:"required"`
	Generated bool   `db:"generated"`
	Number    int16  `db:"number"`
	Collation string `db:"collation"`
}

const pgColumns = `SELECT a.attname AS name, coalesce(b.typname, t.typname) AS type,
	format_type(a.atttypid, a.atttypmod) AS shown, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier,
	(a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') AS required, a.attgenerated <> '' AS generated, a.attnum AS number,
	CASE WHEN a.attcollation IN (0, t.typcollation) THEN '' ELSE (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname)
		FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

// target looks the table of a load up and fits the plan to it: columns, keys,
// rights. A missing table is planned to be created.
func (p *postgres) target(ctx context.Context, s *session, load connectors.Load) (*plan, error) {
	name, err := parseTable(load.Stream)
	if err != nil {
		return nil, err
	}
	for _, part := range []string{name.schema, name.table} {
		if len(part) > maxName {
			return nil, configError("the name %q has %d bytes and PostgreSQL keeps %d", part, len(part), maxName)
		}
	}
	plan, err := newPlan(load, name, &p.words)
	if err != nil {
		return nil, err
	}
	plan.notices = true
	var table struct {
		OID  stdsql.NullInt64
		Kind stdsql.NullString
		Mark stdsql.NullString
		Owns stdsql.NullBool
	}
	err = s.get(ctx, `SELECT c.oid, c.relkind, obj_description(c.oid, 'pg_class'), pg_has_role(c.relowner, 'USAGE') FROM (SELECT to_regclass($1) AS id) r LEFT JOIN pg_class c ON c.oid = r.id`,
		[]any{plan.target}, &table.OID, &table.Kind, &table.Mark, &table.Owns)
	if err != nil {
		return nil, s.wrap(err, "look for table %q", plan.name)
	}
	if !table.OID.Valid {
		return plan, p.planCreate(ctx, s, plan, name)
	}
	kind := table.Kind.String
	if kind != "r" && kind != "p" && kind != "f" {
		return nil, configError("%q is no table; load into a table", plan.name)
	}
	plan.wide.may = table.Owns.Bool
	// A column of a foreign table is not one of the table behind it.
	plan.wide.open = kind != "f" && (plan.wide.open || strings.Contains(table.Mark.String, createdMark))
	if err := p.rights(ctx, s, plan, table.OID.Int64, &load); err != nil {
		return nil, err
	}
	return plan, p.fit(ctx, s, plan, table.OID.Int64)
}

// rights asks for every right the mode needs, before a record is read.
func (p *postgres) rights(ctx context.Context, s *session, plan *plan, oid int64, load *connectors.Load) error {
	need := neededRights(load)
	for _, right := range need {
		var has bool
		var user string
		if err := s.get(ctx, "SELECT has_table_privilege($1::oid, $2), current_user", []any{oid, right}, &has, &user); err != nil {
			return s.wrap(err, "check the rights on %q", plan.name)
		}
		if !has {
			return fmt.Errorf("%w: %s: user %q may not %s on table %q; GRANT %s ON %s TO that user",
				connectors.ErrEnvironment, document.CodeSinkPermission, user, right, plan.name, strings.Join(need, ", "), plan.target)
		}
	}
	return nil
}

// fit gives every field its column.
func (p *postgres) fit(ctx context.Context, s *session, plan *plan, oid int64) error {
	var columns []pgColumn
	if err := s.conn.SelectContext(ctx, &columns, pgColumns, oid); err != nil {
		return s.wrap(err, "read the columns of %q", plan.name)
	}
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	for _, c := range plan.fitted() {
		at := slices.Index(names, c.name)
		if at < 0 {
			if err := p.missing(plan, c, names); err != nil {
				return err
			}
			continue
		}
		c.collation = columns[at].Collation
		if err := pgFit(plan, c, &columns[at]); err != nil {
			return err
		}
	}
	if err := plan.mayAlter(maxName); err != nil {
		return err
	}
	for i := range columns {
		if columns[i].Required && !plan.has(columns[i].Name, func(a, b string) bool { return a == b }) {
			return codedError(document.CodeSinkMissingColumn, "column %q of table %q needs a value and no field has that name; add the field, or give the column a default",
				columns[i].Name, plan.name)
		}
	}
	return p.findUnique(ctx, s, plan, oid, columns)
}

// missing plans a column that the target lacks, as a created table would have
// it, where it may be added.
func (p *postgres) missing(plan *plan, c *column, names []string) error {
	if err := plan.missing(c, names); err != nil {
		return err
	}
	// A report that is still reading must not keep everybody else out for ever.
	plan.wide.lock = "SET LOCAL lock_timeout = '60s'; LOCK TABLE " + plan.target + " IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout TO DEFAULT"
	plan.wide.look = "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = to_regclass(" +
		literal(plan.target) + ") AND attnum > 0 AND NOT attisdropped"
	created := pgCreated(c.field)
	return pgFit(plan, c, &created)
}

// findUnique sees whether the key has a unique index that ON CONFLICT can use.
func (p *postgres) findUnique(ctx context.Context, s *session, plan *plan, oid int64, columns []pgColumn) error {
	if len(plan.keys) == 0 || plan.versioned() {
		return nil
	}
	var want []string
	for _, k := range plan.keys {
		for i := range columns {
			if columns[i].Name == plan.columns[k].name {
				want = append(want, fmt.Sprint(columns[i].Number))
			}
		}
	}
	slices.Sort(want)
	var indexes []string
	err := s.conn.SelectContext(ctx, &indexes, `SELECT indkey::text FROM pg_index WHERE indrelid = $1 AND indisunique AND indisvalid
		AND indimmediate AND indpred IS NULL AND indexprs IS NULL AND indnkeyatts = indnatts`, oid)
	if err != nil {
		return s.wrap(err, "read the indexes of %q", plan.name)
	}
	for _, index := range indexes {
		have := strings.Fields(index)
		slices.Sort(have)
		plan.unique = plan.unique || slices.Equal(have, want)
	}
	return nil
}

// planCreate plans the table and checks that it may be made.
func (p *postgres) planCreate(ctx context.Context, s *session, plan *plan, name tableName) error {
	if err := checkCreated(plan.names(), maxName, false); err != nil {
		return err
	}
	var may, there stdsql.NullBool
	var schema, user stdsql.NullString
	err := s.get(ctx, `SELECT n.schema, current_user, to_regnamespace(quote_ident(n.schema)) IS NOT NULL,
		CASE WHEN to_regnamespace(quote_ident(n.schema)) IS NULL THEN false ELSE has_schema_privilege(n.schema, 'CREATE') END
		FROM (SELECT coalesce(nullif($1, ''), current_schema()) AS schema) n`, []any{name.schema}, &schema, &user, &there, &may)
	if err != nil {
		return s.wrap(err, "look for the schema of %q", plan.name)
	}
	if !there.Bool {
		return configError("table %q is in schema %q, which does not exist; create the schema", plan.name, schema.String)
	}
	if !may.Bool {
		return fmt.Errorf("%w: %s: table %q does not exist and user %q may not create it; GRANT CREATE ON SCHEMA %s TO that user, or create the table",
			connectors.ErrEnvironment, document.CodeSinkPermission, plan.name, user.String, schema.String)
	}
	var lines []string
	for i, c := range plan.fitted() {
		created := pgCreated(c.field)
		if err := pgFit(plan, c, &created); err != nil {
			return err
		}
		line := c.quoted + " " + created.Shown
		if plan.versioned() && plan.needed(i) {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	if len(plan.keys) > 0 {
		lines = append(lines, "PRIMARY KEY ("+plan.identity()+")")
		plan.unique = !plan.versioned()
	}
	plan.create = []string{"CREATE TABLE " + plan.target + " (\n\t" + strings.Join(lines, ",\n\t") + "\n)",
		"COMMENT ON TABLE " + plan.target + " IS " + literal(createdMark)}
	return nil
}

// pgCreated is the column a field gets in a table that is created.
func pgCreated(f record.Field) pgColumn {
	c := pgColumn{Modifier: -1}
	switch f.Kind {
	case record.Integer:
		c.Type, c.Shown = "int8", "bigint"
	case record.Decimal:
		c.Type, c.Shown = "numeric", "numeric"
		if f.Scale >= 0 && f.Scale <= createdPrecision {
			c.Shown = fmt.Sprintf("numeric(%d,%d)", createdPrecision, f.Scale)
			c.Modifier = createdPrecision<<16 + f.Scale + 4
		}
	case record.Boolean:
		c.Type, c.Shown = "bool", "boolean"
	case record.Date:
		c.Type, c.Shown = "date", "date"
	case record.Timestamp:
		c.Type, c.Shown = "timestamptz", "timestamp with time zone"
	case record.List, record.Record:
		c.Type, c.Shown = "jsonb", "jsonb"
	default: // text, and months as YYYY-MM
		c.Type, c.Shown = "text", "text"
	}
	return c
}

// createdPrecision is the precision of decimals with a declared scale.
const createdPrecision = 38
