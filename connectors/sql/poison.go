package sql

import (
	"context"
	stdsql "database/sql"
	"strconv"

	"github.com/tieout/tieout/schemas/document"
)

// halve finds the records the target refuses: it merges one half of a span,
// then the other, down to single rows. cause is why the span was refused.
func (m *merge) halve(ctx context.Context, rows span, cause error) error {
	if !m.indexed {
		m.indexed = true
		if m.plan.index != "" {
			if err := m.exec(ctx, "index the staged rows", m.plan.index); err != nil {
				return err
			}
		}
	}
	middle, count, err := m.middle(ctx, rows)
	if err != nil {
		return err
	}
	if count == 1 {
		return m.refuseStaged(ctx, middle, m.reason(cause), m.atFault(cause))
	}
	for _, half := range []span{{rows.from, middle - 1}, {middle, rows.to}} {
		inserted, changed, matched, err := m.try(ctx, half)
		switch {
		case err == nil:
			m.tally(inserted, changed, matched)
		case m.classify(err) != faultData:
			return m.wrap(err, "merge into %q", m.plan.name)
		default:
			if err := m.halve(ctx, half, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// middle is the row number in the middle of a span that holds count rows.
func (m *merge) middle(ctx context.Context, rows span) (number, count int64, err error) {
	if err = m.get(ctx, "SELECT count(*) FROM "+m.plan.stage+" AS s WHERE "+rows.where("s."), nil, &count); err == nil {
		err = m.get(ctx, "SELECT "+rowColumn+" FROM "+m.plan.stage+" AS s WHERE "+rows.where("s.")+" ORDER BY "+rowColumn+
			" LIMIT 1 OFFSET "+strconv.FormatInt(count/2, 10), nil, &number)
	}
	return number, count, m.wrap(err, "look for the refused rows of %q", m.plan.name)
}

// refuseStaged takes one row out of staging and keeps why.
func (m *merge) refuseStaged(ctx context.Context, number int64, reason string, columns []string) error {
	texts, err := m.stagedTexts(ctx, number)
	if err != nil {
		return err
	}
	if err := m.refusals.addTexts(m.plan, number, texts, reason, columns); err != nil {
		return err
	}
	m.rows--
	return m.exec(ctx, "set a refused row aside", "DELETE FROM "+m.plan.stage+" WHERE "+rowColumn+" = "+strconv.FormatInt(number, 10))
}

// stagedTexts reads one staged row as texts.
func (m *merge) stagedTexts(ctx context.Context, number int64) ([][]byte, error) {
	query := "SELECT "
	for i := range m.plan.columns {
		if i > 0 {
			query += ", "
		}
		query += "CAST(" + m.plan.columns[i].quoted + " AS " + m.plan.words.char + ")"
	}
	query += " FROM " + m.plan.stage + " WHERE " + rowColumn + " = " + strconv.FormatInt(number, 10)
	values := make([]stdsql.NullString, len(m.plan.columns))
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	if err := m.get(ctx, query, nil, dest...); err != nil {
		return nil, m.wrap(err, "read a refused row")
	}
	texts := make([][]byte, len(values))
	for i, v := range values {
		if v.Valid {
			texts[i] = []byte(v.String)
		}
	}
	return texts, nil
}

// duplicates leaves one staged row for each key. The first row of a key
// stays; later ones that are the same count as unchanged, and later ones that
// differ are refused, because which of them is right is not ours to guess.
func (m *merge) duplicates(ctx context.Context) error {
	var some bool
	m.checked = true
	p := m.plan
	twice := "SELECT " + p.exactKeys() + ", min(" + rowColumn + ") AS tieout_first FROM " + p.stage +
		" GROUP BY " + p.exactKeys() + " HAVING count(*) > 1"
	if err := m.get(ctx, "SELECT EXISTS ("+twice+")", nil, &some); err != nil || !some {
		return m.wrap(err, "look for keys that come twice")
	}
	later, err := m.later(ctx, twice)
	if err != nil {
		return err
	}
	alike, err := m.count(ctx, "DELETE FROM "+p.stage+" WHERE "+rowColumn+" IN (SELECT s."+rowColumn+later+" AND NOT "+p.distinct("s.", "f.")+")")
	if err != nil {
		return m.wrap(err, "drop repeated rows")
	}
	m.receipt.Unchanged += alike
	m.rows -= alike
	numbers, err := m.numbers(ctx, "SELECT s."+rowColumn+later+" AND "+p.distinct("s.", "f.")+" ORDER BY s."+rowColumn+" LIMIT "+strconv.Itoa(m.refusals.most+1))
	if err != nil {
		return err
	}
	reason := string(document.CodeSinkDuplicateKey) + ": an earlier record of this load has the same key and other values"
	for _, number := range numbers {
		if err := m.refuseStaged(ctx, number, reason, m.plan.keyNames()); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) numbers(ctx context.Context, query string) (numbers []int64, err error) {
	err = m.conn.SelectContext(ctx, &numbers, query)
	return numbers, m.wrap(err, "look for keys that come twice")
}

// later writes what comes behind SELECT to find the staged rows, s, whose key
// an earlier row, f, has.
func (m *merge) later(ctx context.Context, twice string) (string, error) {
	p := m.plan
	if !p.words.once {
		return " FROM " + p.stage + " AS s JOIN (" + twice + ") AS d ON " + p.same("d.") + " JOIN " + p.stage +
			" AS f ON f." + rowColumn + " = d.tieout_first WHERE s." + rowColumn + " > d.tieout_first", nil
	}
	// The rows in question are put into tables of their own, each of which the
	// statement names once.
	for _, statement := range []string{
		"CREATE TEMPORARY TABLE tieout_twice (PRIMARY KEY (" + rowColumn + ")) ENGINE=InnoDB AS SELECT * FROM (SELECT s.*, min(" + rowColumn + ") OVER w AS tieout_first, count(*) OVER w AS tieout_count FROM " +
			p.stage + " AS s WINDOW w AS (PARTITION BY " + p.exactKeys() + ")) AS d WHERE tieout_count > 1",
		"CREATE TEMPORARY TABLE tieout_heads (PRIMARY KEY (" + rowColumn + ")) ENGINE=InnoDB AS SELECT " + rowColumn + ", " + p.list("") +
			" FROM tieout_twice WHERE " + rowColumn + " = tieout_first",
	} {
		if err := m.exec(ctx, "look for keys that come twice", statement); err != nil {
			return "", err
		}
	}
	return " FROM tieout_twice AS s JOIN tieout_heads AS f ON f." + rowColumn + " = s.tieout_first WHERE s." + rowColumn + " > s.tieout_first", nil
}
