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
	// parameter is the place of the n-th value of a column, exact a text
	// that compares byte by byte, truth a boolean and stampText an instant
	// for the driver.
	parameter func(n int, c *column) string
	exact     func(expr string) string
	truth     func(bool) any
	stampText func(text []byte, c *column) []byte
	// instant writes an instant as SQL, given as RFC 3339 or, when local, as
	// a clock shows it. ordered makes instants kept as texts compare by time,
	// nil where they cannot.
	instant func(local bool, text string) string
	ordered func(expr string) string
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
		},
		exact:     func(expr string) string { return "CAST(" + expr + " AS text)" },
		stampText: func(text []byte, _ *column) []byte { return text }}
}

// postgresWords are those of PostgreSQL.
func postgresWords() words {
	w := standardWords()
	w.json, w.time, w.lock = "jsonb", "timestamptz", " FOR UPDATE"
	w.parameter = dollar
	w.truth = func(v bool) any { return v }
	w.instant = func(local bool, text string) string {
		if local {
			return "TIMESTAMP " + literal(text)
		}
		return "TIMESTAMPTZ " + literal(text)
	}
	return w
}

// sqliteWords are those of SQLite.
func sqliteWords() words {
	w := standardWords()
	w.json, w.time = "text", "text"
	w.parameter, w.truth = question, zeroOrOne
	w.instant = func(_ bool, text string) string { return literal(text) }
	// Without its Z a text of fewer digits comes before those that go on.
	w.ordered = func(expr string) string { return "rtrim(" + expr + ", 'Z')" }
	return w
}

func zeroOrOne(v bool) any {
	if v {
		return int64(1)
	}
	return int64(0)
}
