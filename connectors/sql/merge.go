package sql

import (
	"cmp"
	"context"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// merge brings the staged rows of a load into the target, in the open
// transaction, and counts what it did. Append goes through here too when the
// database cannot take rows directly.
type merge struct {
	*session
	plan     *plan
	refusals *refusals
	dialect  dialect
	mode     connectors.Mode
	policy   connectors.Missing
	asOf     string // the instant of the load, for messages
	kept     *kept  // keys that are not missing; nil when nothing is
	rows     int64  // rows brought in and not refused so far
	receipt  connectors.Receipt
	empty    bool // the target had no row before
	checked  bool // no key is staged twice
	indexed  bool
}

func (m *merge) run(ctx context.Context) error {
	if !m.plan.staged() {
		m.receipt.Inserted = m.rows
		return nil
	}
	var err error
	if m.empty, err = m.isEmpty(ctx); err != nil {
		return m.wrap(err, "look into %q", m.plan.name)
	}
	trusting := m.empty && m.plan.unique && m.plan.notices && m.plan.assign("", "") != ""
	if m.plan.analyze != "" && !trusting { // what follows is planned on what is there
		if err := m.exec(ctx, "analyze the staged rows", m.plan.analyze); err != nil {
			return err
		}
	}
	if len(m.plan.keys) > 0 && !trusting {
		if err := m.duplicates(ctx); err != nil {
			return err
		}
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	before := len(m.refusals.list)
	if err := m.upsert(ctx); err != nil {
		return err
	}
	if m.mode == connectors.Replace && len(m.plan.keys) > 0 && len(m.refusals.list) > before {
		// Refused rows kept older versions of themselves from removal.
		return m.remove(ctx)
	}
	return nil
}

// prepare makes room for the rows of this load: what it does not hold goes.
func (m *merge) prepare(ctx context.Context) error {
	takes := m.mode == connectors.Replace || m.kept != nil && !m.kept.all
	if takes && !m.empty && m.plan.sought != "" {
		if err := m.exec(ctx, "index the staged keys", m.plan.sought); err != nil {
			return err
		}
	}
	if m.mode == connectors.Replace {
		if err := m.outside(ctx); err != nil {
			return err
		}
		return m.remove(ctx)
	}
	if m.kept != nil && !m.kept.all {
		if err := m.missing(ctx); err != nil {
			return err
		}
	}
	if m.plan.versioned() && !m.empty {
		return m.late(ctx)
	}
	return nil
}

// outside finds a record of the load that the target has outside of the part
// that is replaced, which must stay as it is.
func (m *merge) outside(ctx context.Context) error {
	p := m.plan
	if len(p.scope) == 0 || len(p.keys) == 0 || m.empty {
		return nil
	}
	within := p.within("t.")
	key, found, err := m.firstKey(ctx, "s.", " FROM "+p.stage+" AS s JOIN "+p.target+" AS t ON "+p.same("t.")+" WHERE ("+within.text+") IS NOT TRUE", within.args)
	if err != nil || !found {
		return m.wrap(err, "look into %q", p.name)
	}
	return fmt.Errorf("%s: %q has record %q outside of where, in a part this load leaves as it is; load that part too, or make the fields of where part of the key",
		document.CodeSinkWhere, p.name, key)
}

// remove deletes what this load does not hold: by key, or all of it when
// there is none. Readers go on seeing the rows until the commit.
func (m *merge) remove(ctx context.Context) error {
	p := m.plan
	within := p.within("t.")
	statement := "DELETE FROM " + p.target + " AS t WHERE " + within.text
	if p.words.joins {
		statement = "DELETE t FROM " + p.target + " AS t WHERE " + within.text
	}
	if len(p.keys) > 0 {
		statement += " AND NOT EXISTS (SELECT 1 FROM " + p.stage + " AS s WHERE " + p.same("t.") + ")"
		if p.words.joins {
			statement = "DELETE t FROM " + p.target + " AS t LEFT JOIN " + p.stage + " AS s ON " + p.same("t.") + " WHERE s." + rowColumn + " IS NULL AND " + within.text
		}
	}
	n, err := m.count(ctx, statement, within.args...)
	m.receipt.Deleted += n
	return m.wrap(err, "remove the rows of %q that this load does not hold", m.plan.name)
}

// upsert merges all staged rows, and when the target refuses some, finds them
// by halving.
func (m *merge) upsert(ctx context.Context) error {
	whole := span{0, 1<<63 - 1}
	inserted, changed, matched, err := m.try(ctx, whole)
	if err == nil {
		m.tally(inserted, changed, matched)
		return nil
	}
	f := m.classify(err)
	if len(m.plan.keys) > 0 && !m.checked && (f == faultData || f == faultTwice) {
		if err := m.duplicates(ctx); err != nil {
			return err
		}
		return m.upsert(ctx)
	}
	if f == faultData {
		return m.halve(ctx, whole, err)
	}
	return m.wrap(err, "merge into %q", m.plan.name)
}

func (m *merge) tally(inserted, changed, matched int64) {
	m.receipt.Inserted += inserted
	m.receipt.Changed += changed
	m.receipt.Unchanged += max(0, matched-changed) // a key the target has twice changes twice
}

// span is a range of row numbers, both ends included.
type span struct{ from, to int64 }

func (s span) where(prefix string) string {
	if s.from == 0 && s.to == 1<<63-1 {
		return "TRUE"
	}
	return fmt.Sprintf("%s%s BETWEEN %d AND %d", prefix, rowColumn, s.from, s.to)
}

// try merges the rows of a span, or nothing of it. The error is the driver's.
func (m *merge) try(ctx context.Context, rows span) (inserted, changed, matched int64, err error) {
	if _, err = m.count(ctx, "SAVEPOINT tieout_merge"); err != nil {
		return 0, 0, 0, err
	}
	inserted, changed, matched, err = m.apply(ctx, rows)
	if err == nil {
		_, err = m.count(ctx, "RELEASE SAVEPOINT tieout_merge")
		return inserted, changed, matched, err
	}
	if f := m.classify(err); f == faultData || f == faultTwice {
		if _, undo := m.count(ctx, "ROLLBACK TO SAVEPOINT tieout_merge"); undo != nil {
			return 0, 0, 0, undo
		}
	}
	return 0, 0, 0, err
}

// apply runs the statements of the mode over a span.
func (m *merge) apply(ctx context.Context, rows span) (inserted, changed, matched int64, err error) {
	p := m.plan
	if p.versioned() {
		return m.versions(ctx, rows)
	}
	if len(p.keys) == 0 {
		inserted, err = m.count(ctx, "INSERT INTO "+p.target+" ("+p.list("")+") SELECT "+p.list("s.")+
			" FROM "+p.stage+" AS s WHERE "+rows.where("s.")+" ORDER BY s."+rowColumn)
		return inserted, 0, 0, err
	}
	if matched, err = m.countMatches(ctx, rows); err != nil {
		return 0, 0, 0, err
	}
	if p.unique {
		touched, err := m.count(ctx, m.onConflict(rows))
		if err != nil {
			return 0, 0, 0, err
		}
		total, err := m.countStaged(ctx, rows)
		inserted = total - matched
		return inserted, touched - inserted, matched, err
	}
	if p.renew("", "s.") != "" && matched > 0 {
		if changed, err = m.count(ctx, m.update(rows)); err != nil {
			return 0, 0, 0, err
		}
	}
	if inserted, err = m.count(ctx, m.insert(rows)); err != nil {
		return 0, 0, 0, err
	}
	if total, err := m.countStaged(ctx, rows); err != nil || inserted+matched != total {
		return 0, 0, 0, cmp.Or(err, fmt.Errorf("%d records were staged, %d are new and %d are there already: some are lost", total, inserted, matched))
	}
	return inserted, changed, matched, nil
}

// onConflict touches only rows that are new or differ.
func (m *merge) onConflict(rows span) string {
	p := m.plan
	action := "DO NOTHING"
	if set := p.renew("", "excluded."); set != "" {
		action = "DO UPDATE SET " + set + " WHERE " + p.stale("t.", "excluded.")
	}
	return "INSERT INTO " + p.target + " AS t (" + p.list("") + ") SELECT " + p.list("s.") + " FROM " + p.stage +
		" AS s WHERE " + rows.where("s.") + " ON CONFLICT (" + p.keyList() + ") " + action
}

// insert adds the staged rows whose key the target does not have.
func (m *merge) insert(rows span) string {
	p := m.plan
	from := "INSERT INTO " + p.target + " (" + p.list("") + ") SELECT " + p.list("s.") + " FROM " + p.stage + " AS s"
	switch {
	case p.found != "" && m.empty:
		return from + " WHERE " + rows.where("s.")
	case p.found != "":
		return from + " LEFT JOIN " + p.found + " AS f ON f." + rowColumn + " = s." + rowColumn + " WHERE " + rows.where("s.") + " AND f." + rowColumn + " IS NULL"
	}
	return from + " WHERE " + rows.where("s.") + " AND NOT EXISTS (SELECT 1 FROM " + p.target + " AS t WHERE " + p.same("t.") + ")"
}

// update changes the rows of the target that differ from a staged one.
func (m *merge) update(rows span) string {
	p := m.plan
	where := " WHERE " + rows.where("s.") + " AND " + p.same("t.") + " AND " + p.stale("t.", "s.")
	if p.words.joins {
		return "UPDATE " + p.target + " AS t, " + p.stage + " AS s SET " + p.renew("t.", "s.") + where
	}
	return "UPDATE " + p.target + " AS t SET " + p.renew("", "s.") + " FROM " + p.stage + " AS s" + where
}

func (m *merge) isEmpty(ctx context.Context) (bool, error) {
	var some bool
	err := m.get(ctx, "SELECT EXISTS (SELECT 1 FROM "+m.plan.target+")", nil, &some)
	return !some, err
}

// countMatches counts the staged rows of a span whose key the target has.
func (m *merge) countMatches(ctx context.Context, rows span) (n int64, err error) {
	if m.empty {
		return 0, nil
	}
	if m.plan.found != "" {
		return m.find(ctx, rows)
	}
	if m.plan.probe != "" && m.plan.unique {
		if _, err := m.count(ctx, m.plan.probe); err != nil {
			return 0, err
		}
		defer func() {
			if _, over := m.count(ctx, m.plan.probed); err == nil {
				err = over
			}
		}()
	}
	err = m.get(ctx, "SELECT count(*) FROM "+m.plan.stage+" AS s WHERE "+rows.where("s.")+
		" AND EXISTS (SELECT 1 FROM "+m.plan.target+" AS t WHERE "+m.plan.same("t.")+")", nil, &n)
	return n, err
}

// find writes the matches down, as the insert needs them again: MariaDB gets
// NOT EXISTS wrong where a key has a loose collation, and a join the other way
// around reads the target once for every row when its key has no index.
func (m *merge) find(ctx context.Context, rows span) (int64, error) {
	if _, err := m.count(ctx, "DELETE FROM "+m.plan.found); err != nil {
		return 0, err
	}
	current := "TRUE" // what a version replaces is closed by now
	if m.plan.versioned() {
		current = m.plan.open("t.")
	}
	return m.count(ctx, "INSERT INTO "+m.plan.found+" SELECT DISTINCT s."+rowColumn+" FROM "+m.plan.target+" AS t JOIN "+m.plan.stage+
		" AS s ON "+m.plan.same("t.")+" WHERE "+rows.where("s.")+" AND "+current)
}

func (m *merge) countStaged(ctx context.Context, rows span) (n int64, err error) {
	if rows.where("") == "TRUE" {
		return m.rows, nil
	}
	err = m.get(ctx, "SELECT count(*) FROM "+m.plan.stage+" AS s WHERE "+rows.where("s."), nil, &n)
	return n, err
}
