package sql

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/connectors"
)

// missing does to the rows of the target that this load does not hold what
// the load says. It runs before the merge, while every record of the load is
// still staged: one that the target refuses is not missing.
func (m *merge) missing(ctx context.Context) error {
	p := m.plan
	within := p.within("t.")
	current := " AS t WHERE " + within.text + " AND " + p.open("t.")
	if err := m.get(ctx, "SELECT count(*) FROM "+p.target+current, within.args, &m.receipt.Present); err != nil {
		return m.wrap(err, "count the rows of %q", p.name)
	}
	if m.receipt.Present == 0 {
		return nil
	}
	if err := m.keep(ctx); err != nil {
		return m.wrap(err, "keep the keys of records that do not reach %q", p.name)
	}
	doing := fmt.Sprintf("take the rows out of %q that the source no longer has", p.name)
	switch {
	case p.versioned():
		return m.missingVersions(ctx, doing)
	case p.closing():
		return m.takeAway(ctx, doing, &p.marks[0], "TRUE")
	}
	return m.takeAway(ctx, doing, nil, "TRUE")
}

// missingVersions closes open versions, or removes their records. A version
// that begins at the instant at which it would end was never valid.
func (m *merge) missingVersions(ctx context.Context, doing string) error {
	p := m.plan
	from, to := &p.marks[0], &p.marks[1]
	within := p.within("t.")
	source, absent := m.absent("t.")
	later := " FROM " + p.target + " AS t" + source + " WHERE " + within.text + " AND " + p.open("t.") + absent +
		" AND " + p.order(from) + " > " + p.now(from)
	if err := m.refuseLate(ctx, "t.", later, within.args); err != nil {
		return err
	}
	if m.policy == connectors.Delete {
		return m.forget(ctx, doing)
	}
	if err := m.takeAway(ctx, doing, nil, p.order(from)+" = "+p.now(from)); err != nil {
		return err
	}
	return m.takeAway(ctx, doing, to, "TRUE")
}

// takeAway removes the current rows that are missing and meet a condition, or
// with a column writes the instant of the load there.
func (m *merge) takeAway(ctx context.Context, doing string, set *column, which string) error {
	p := m.plan
	within := p.within("t.")
	source, absent := m.absent("t.")
	where := " WHERE " + within.text + " AND " + p.open("t.") + " AND " + which + absent
	statement := "DELETE FROM " + p.target + " AS t" + where
	switch {
	case set == nil && p.words.joins:
		statement = "DELETE t FROM " + p.target + " AS t" + source + where
	case set != nil && p.words.joins:
		statement = "UPDATE " + p.target + " AS t" + source + " SET t." + set.quoted + " = " + p.asOf + where
	case set != nil:
		statement = "UPDATE " + p.target + " AS t SET " + set.quoted + " = " + p.asOf + where
	}
	n, err := m.count(ctx, statement, within.args...)
	m.receipt.Deleted += n
	return m.wrap(err, "%s", doing)
}

// forget removes missing records with all their versions.
func (m *merge) forget(ctx context.Context, doing string) error {
	p := m.plan
	within := p.within("o.")
	source, absent := m.absent("o.")
	which := " WHERE " + within.text + " AND " + p.open("o.") + absent
	if err := m.get(ctx, "SELECT count(*) FROM "+p.target+" AS o"+source+which, within.args, &m.receipt.Deleted); err != nil {
		return m.wrap(err, "%s", doing)
	}
	statement := "DELETE FROM " + p.target + " AS t WHERE EXISTS (SELECT 1 FROM " + p.target + " AS o" + source + which + " AND " + p.sameAs("t.", "o.") + ")"
	if p.words.joins {
		statement = "DELETE t FROM " + p.target + " AS t JOIN " + p.target + " AS o ON " + p.sameAs("t.", "o.") + source + which
	}
	_, err := m.count(ctx, statement, within.args...)
	return m.wrap(err, "%s", doing)
}

// absent writes the joins and the condition that find rows whose key neither
// this load nor a record that was kept has.
func (m *merge) absent(prefix string) (source, condition string) {
	p := m.plan
	for _, table := range []string{p.stage, p.present} {
		alias := "s"
		if table == p.present {
			alias = "k"
		}
		if table == "" {
			continue
		}
		if p.words.joins {
			source += " LEFT JOIN " + table + " AS " + alias + " ON " + p.sameAs(alias+".", prefix)
			condition += " AND " + alias + "." + rowColumn + " IS NULL"
			continue
		}
		condition += " AND NOT EXISTS (SELECT 1 FROM " + table + " AS " + alias + " WHERE " + p.sameAs(alias+".", prefix) + ")"
	}
	return source, condition
}
