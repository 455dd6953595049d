package sql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// createdMark stands in the comment of every table that a load created. Whose
// columns they are can be told by it alone, and it goes where the table goes.
const createdMark = "created by tieout"

// widening gives a target the columns it lacks for fields of the source that
// nobody declared.
type widening struct {
	extra []string // the fields it may be done for
	// open says that this target may be given columns, may that this user can.
	open, may bool
	adds      []*column // that are to be added
	folds     bool      // names that differ in case are one
	// lock is the statement that keeps others from adding the same ones, ""
	// where the transaction does; look reads the names and types of columns.
	lock, look string
	added      []string // that this load added
	// kept says that the database does not take them back with the load.
	kept bool
}

// missing puts a column that the target lacks among those to be added, or says
// that it is not there; names are those the target has.
func (p *plan) missing(c *column, names []string) error {
	extra := slices.Contains(p.wide.extra, c.name)
	if extra && p.wide.open {
		p.wide.adds = append(p.wide.adds, c)
		return nil
	}
	next := "Rename or drop the field, or add the column"
	if extra {
		next += "; a table that no load created is given columns when the pipeline says `contract: { extra: evolve }`"
	}
	return codedError(document.CodeSinkMissingColumn, "table %q has no column %q; it has %s. %s", p.name, c.name, strings.Join(names, ", "), next)
}

// alter writes the statement that adds a column. It is nullable: the rows that
// are there have no value for it.
func (p *plan) alter(c *column) string {
	return "ALTER TABLE " + p.target + " ADD COLUMN " + c.quoted + " " + c.typ
}

// mayAlter checks, before a record is read, that the columns can be added.
func (p *plan) mayAlter(longest int) error {
	if len(p.wide.adds) == 0 {
		return nil
	}
	names := make([]string, len(p.wide.adds))
	for i, c := range p.wide.adds {
		names[i] = c.name
	}
	if err := checkCreated(names, longest, p.wide.folds); err != nil || p.wide.may {
		return err
	}
	return fmt.Errorf("%w: %s: table %q has no column for %s of the source, and the user may not add one; run %s as its owner, or leave the field out with a select",
		connectors.ErrEnvironment, document.CodeSinkPermission, p.name, quotedNames(names), p.alters())
}

// alters are all statements, for a person to run.
func (p *plan) alters() string {
	statements := make([]string, len(p.wide.adds))
	for i, c := range p.wide.adds {
		statements[i] = p.alter(c) + ";"
	}
	return strings.Join(statements, " ")
}

// widened is a column as it is found under the lock.
type widened struct {
	Name string `db:"name"`
	Type string `db:"type"`
}

// widen adds the columns in the open transaction. Those that another load has
// added since this one began are as good, if they are of the same type.
func (w *writer) widen(ctx context.Context, p *plan) error {
	if len(p.wide.adds) == 0 {
		return nil
	}
	doing := fmt.Sprintf("add columns to table %q", p.name)
	if p.wide.lock != "" {
		if err := w.exec(ctx, doing, p.wide.lock); err != nil {
			return err
		}
	}
	var there []widened
	if err := w.conn.SelectContext(ctx, &there, p.wide.look); err != nil {
		return w.wrap(err, "%s", doing)
	}
	for _, c := range p.wide.adds {
		at := slices.IndexFunc(there, func(t widened) bool {
			return t.Name == c.name || p.wide.folds && strings.EqualFold(t.Name, c.name)
		})
		switch {
		case at < 0:
			if err := w.exec(ctx, doing, p.alter(c)); err != nil {
				return err
			}
			p.wide.added = append(p.wide.added, c.name)
		case there[at].Type != c.typ:
			return fmt.Errorf("%w: another load has added column %q to table %q as %s, and this one needs %s; run it again",
				connectors.ErrEnvironment, c.name, p.name, there[at].Type, c.typ)
		}
	}
	return nil
}

// Notes tells which columns the target was given, once the load has ended.
func (w *writer) Notes() []string {
	p := w.loader.plan()
	if len(p.wide.added) == 0 || !w.committed && !p.wide.kept {
		return nil
	}
	what := "column"
	if len(p.wide.added) > 1 {
		what = "columns"
	}
	return []string{fmt.Sprintf("table %q was given the %s %s, which the source has and nobody declared; its earlier rows have no value there",
		p.name, what, quotedNames(p.wide.added))}
}

// quotedNames lists names for a message.
func quotedNames(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
