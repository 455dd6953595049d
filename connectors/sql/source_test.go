package sql

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
)

// inserts writes rows as one INSERT, texts as literals.
func inserts(t testing.TB, d dialect, columns []connectortest.Column, rows []connectortest.Row) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	var lines []string
	for _, row := range rows {
		var values []string
		for _, c := range columns {
			text, there := row[c.Name]
			switch {
			case !there:
				values = append(values, "NULL")
			case c.Kind == "boolean":
				values = append(values, map[string]string{"true": "TRUE", "false": "FALSE"}[text])
			default:
				values = append(values, literal(text))
			}
		}
		lines = append(lines, "("+strings.Join(values, ", ")+")")
	}
	must(t, d, "INSERT INTO charges VALUES "+strings.Join(lines, ",\n"))
}

// sourceTarget makes the table charges with types of the database.
func sourceTarget(d dialect, types map[string]string) connectortest.SourceTarget {
	var made []connectortest.Column
	return connectortest.SourceTarget{Stream: "charges", Cursor: true,
		Fill: func(t *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
			made = columns
			var lines []string
			for _, c := range columns {
				quoted, err := quote(c.Name)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, quoted+" "+types[c.Kind])
			}
			must(t, d, "DROP TABLE IF EXISTS charges", "CREATE TABLE charges ("+strings.Join(lines, ", ")+")")
			inserts(t, d, columns, rows)
		},
		Add: func(t *testing.T, rows []connectortest.Row) { inserts(t, d, made, rows) },
	}
}

func TestPostgresSource(t *testing.T) {
	address := servers.Postgres(t)
	types := map[string]string{"text": "text", "decimal": "numeric", "integer": "bigint", "date": "date", "boolean": "boolean",
		"timestamp": "timestamptz", "month": "text"}
	for _, stamp := range []string{"timestamptz", "timestamp"} {
		types["timestamp"] = stamp
		t.Run(stamp, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				own := schemaOf(t, address)
				d, err := newPostgres(own)
				if err != nil {
					t.Fatal(err)
				}
				target := sourceTarget(d, types)
				target.Source, err = Postgres().NewSource(testEnv(t), &PostgresConnection{URL: document.NewSecret("url", own)}, new(SourceOptions))
				if err != nil {
					t.Fatal(err)
				}
				return target
			}})
		})
	}
}

func TestSQLiteSource(t *testing.T) {
	forms := map[string]map[string]string{
		"declared types": {"text": "TEXT", "decimal": "TEXT", "integer": "INTEGER", "date": "DATE", "boolean": "BOOLEAN", "timestamp": "DATETIME", "month": "TEXT"},
		"texts":          {"text": "TEXT", "decimal": "TEXT", "integer": "TEXT", "date": "TEXT", "boolean": "TEXT", "timestamp": "TEXT", "month": "TEXT"},
	}
	for name, types := range forms {
		t.Run(name, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				env := testEnv(t)
				target := sourceTarget(newSQLite(env.Dir, "s.db"), types)
				var err error
				target.Source, err = SQLite().NewSource(env, &SQLiteConnection{Path: document.Text{Value: "s.db"}}, new(SourceOptions))
				if err != nil {
					t.Fatal(err)
				}
				return target
			}})
		})
	}
}
