package sql

// words are what one database says in another way than the others. Statements
// are written once, with these in the places where they differ.
type words struct {
	mark string // around names
	// text, json, time and name are types: any text, JSON, an instant, and a
	// text short enough for a key.
	text, json, time, name string
	// char is what CAST calls a text; stamp how an instant is written.
	char, stamp string
	// tables ends the CREATE of a ledger table; as names the table of
	// positions in the INSERT that raise ends.
	tables, as string
	// raise ends the INSERT of a position that is there already: it counts its
	// epoch up.
	raise string
	// lock ends a SELECT whose row nobody else may touch until the
	// transaction ends; "" where a transaction locks the whole database.
	lock string
	// top and limit stand around the columns and behind a SELECT of no row.
	top, limit string
	// joins says that UPDATE and DELETE name their tables in a join, and once
	// that a statement may name a temporary table only once.
	joins, once bool
	// same and distinct compare two expressions of one column, exactly.
	same, distinct func(c *column, left, right string) string
}

// quote writes a name as this database's identifier.
func (w *words) quote(name string) (string, error) { return quote(name, w.mark) }

// standardWords are those of PostgreSQL and SQLite.
func standardWords() words {
	return words{mark: `"`, text: "text", name: "text", char: "text", stamp: "2006-01-02T15:04:05.000000Z07:00", limit: " LIMIT 0", as: " AS p",
		raise: ` ON CONFLICT (project, environment, pipeline, "partition") DO UPDATE SET epoch = p.epoch + 1`,
		same:  func(_ *column, left, right string) string { return left + " = " + right },
		distinct: func(c *column, left, right string) string {
			if c.uncomparable {
				left, right = "CAST("+left+" AS text)", "CAST("+right+" AS text)"
			}
			return left + " IS DISTINCT FROM " + right
		}}
}

// postgresWords are those of PostgreSQL.
func postgresWords() words {
	w := standardWords()
	w.json, w.time, w.lock = "jsonb", "timestamptz", " FOR UPDATE"
	return w
}

// sqliteWords are those of SQLite.
func sqliteWords() words {
	w := standardWords()
	w.json, w.time = "text", "text"
	return w
}
