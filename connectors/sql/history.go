package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// A record's versions follow one another: each is valid from its valid_from up
// to, and without, its valid_to, and at most the last one is open. A load
// stands for one instant and only ever adds behind what is there, so it must
// not be older than any version of a record it changes.

// late finds a staged record that the target has from a later instant, and
// that this load would change.
func (m *merge) late(ctx context.Context) error {
	p := m.plan
	from, to := &p.marks[0], &p.marks[1]
	unchanged := p.sameAs("s.", "u.") + " AND " + p.open("u.") + " AND NOT " + p.distinct("u.", "s.")
	return m.refuseLate(ctx, "s.", " FROM "+p.stage+" AS s JOIN "+p.target+" AS t ON "+p.same("t.")+
		" LEFT JOIN "+p.target+" AS u ON "+unchanged+" WHERE u."+p.columns[p.keys[0]].quoted+" IS NULL AND ("+
		p.order(from)+" > "+p.now(from)+" OR "+p.order(to)+" > "+p.now(to)+")", nil)
}

// refuseLate fails the load when a query finds a record.
func (m *merge) refuseLate(ctx context.Context, prefix, query string, args []any) error {
	key, found, err := m.firstKey(ctx, prefix, query, args)
	if err != nil || !found {
		return m.wrap(err, "look for later versions in %q", m.plan.name)
	}
	return fmt.Errorf("%s: this load stands for %s, and %q has a later version of record %q; versions are added in order, so run it as of a later time",
		document.CodeSinkOlder, m.asOf, m.plan.name, key)
}

// firstKey is the key of the first row a query finds, its parts joined by "|".
func (m *merge) firstKey(ctx context.Context, prefix, query string, args []any) (key string, found bool, err error) {
	p := m.plan
	names, dest := make([]string, len(p.keys)), make([]any, len(p.keys))
	texts := make([]stdsql.NullString, len(p.keys))
	for n, i := range p.keys {
		names[n], dest[n] = "CAST("+prefix+p.columns[i].quoted+" AS "+p.words.char+")", &texts[n]
	}
	err = m.get(ctx, "SELECT "+strings.Join(names, ", ")+query+" LIMIT 1", args, dest...)
	if errors.Is(err, stdsql.ErrNoRows) {
		return "", false, nil
	}
	parts := make([]string, len(texts))
	for i := range texts {
		parts[i] = texts[i].String
	}
	return strings.Join(parts, "|"), err == nil, err
}

// versions brings the rows of a span in: what differs closes the open version
// of its record and opens a new one.
func (m *merge) versions(ctx context.Context, rows span) (inserted, changed, matched int64, err error) {
	p := m.plan
	if matched, err = m.countOpen(ctx, rows); err != nil {
		return 0, 0, 0, err
	}
	var closed, amended int64
	if p.assign("", "s.") != "" && matched > 0 {
		if amended, err = m.count(ctx, m.amend(rows)); err != nil {
			return 0, 0, 0, err
		}
		if closed, err = m.count(ctx, m.end(rows)); err != nil {
			return 0, 0, 0, err
		}
	}
	if p.found != "" {
		if _, err = m.find(ctx, rows); err != nil {
			return 0, 0, 0, err
		}
	}
	added, err := m.count(ctx, m.begin(rows))
	if err != nil {
		return 0, 0, 0, err
	}
	total, err := m.countStaged(ctx, rows)
	if err == nil && added-closed+matched != total {
		err = fmt.Errorf("%d records were staged, %d are new and %d are there already: some are lost", total, added-closed, matched)
	}
	return added - closed, closed + amended, matched, err
}

// countOpen counts the staged rows of a span that have an open version. Two
// open versions of one record are no history.
func (m *merge) countOpen(ctx context.Context, rows span) (int64, error) {
	if m.empty {
		return 0, nil
	}
	p := m.plan
	var pairs, records int64
	err := m.get(ctx, "SELECT count(*), count(DISTINCT s."+rowColumn+") FROM "+p.stage+" AS s JOIN "+p.target+" AS t ON "+p.same("t.")+
		" WHERE "+rows.where("s.")+" AND "+p.open("t."), nil, &pairs, &records)
	if err == nil && pairs != records {
		err = codedError(document.CodeSinkDuplicateKey, "table %q has more than one open version of the same record; give its key and %s a unique index, and leave one open", p.name, validFrom)
	}
	return records, err
}

// amend corrects versions that begin at the very instant of this load.
func (m *merge) amend(rows span) string {
	from := &m.plan.marks[0]
	return m.change(rows, m.plan.assign, m.plan.order(from)+" = "+m.plan.now(from))
}

// end closes versions that this load changes.
func (m *merge) end(rows span) string {
	p := m.plan
	from, to := &p.marks[0], &p.marks[1]
	return m.change(rows, func(prefix, _ string) string { return prefix + to.quoted + " = " + p.asOf }, p.order(from)+" < "+p.now(from))
}

// change writes an UPDATE of the open versions that differ from a staged row.
func (m *merge) change(rows span, set func(to, from string) string, which string) string {
	p := m.plan
	where := " WHERE " + rows.where("s.") + " AND " + p.same("t.") + " AND " + p.open("t.") + " AND " + which + " AND " + p.distinct("t.", "s.")
	if p.words.joins {
		return "UPDATE " + p.target + " AS t, " + p.stage + " AS s SET " + set("t.", "s.") + where
	}
	return "UPDATE " + p.target + " AS t SET " + set("", "s.") + " FROM " + p.stage + " AS s" + where
}

// begin writes the INSERT of a version for each row without an open one.
func (m *merge) begin(rows span) string {
	p := m.plan
	into := "INSERT INTO " + p.target + " (" + p.list("") + ", " + p.marks[0].quoted + ", " + p.marks[1].quoted + ") SELECT " +
		p.list("s.") + ", " + p.asOf + ", NULL FROM " + p.stage + " AS s"
	if p.found != "" {
		return into + " LEFT JOIN " + p.found + " AS f ON f." + rowColumn + " = s." + rowColumn + " WHERE " + rows.where("s.") + " AND f." + rowColumn + " IS NULL"
	}
	return into + " WHERE " + rows.where("s.") + " AND NOT EXISTS (SELECT 1 FROM " + p.target + " AS t WHERE " + p.same("t.") + " AND " + p.open("t.") + ")"
}
