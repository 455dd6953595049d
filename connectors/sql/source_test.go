package sql

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
)

// mark is what a dialect writes around names.
func mark(d dialect) string {
	if _, mysql := d.(*mysqlDB); mysql {
		return "`"
	}
	return `"`
}

// textOf is a text as SQL.
func textOf(d dialect, text string) string {
	if _, mysql := d.(*mysqlDB); mysql {
		return mysqlLiteral(text)
	}
	return literal(text)
}

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
			case c.Kind == "timestamp" && mark(d) == "`": // MySQL reads no Z
				values = append(values, literal(strings.NewReplacer("T", " ", "Z", "").Replace(text)))
			case c.Kind == "boolean":
				values = append(values, map[string]string{"true": "TRUE", "false": "FALSE"}[text])
			default:
				values = append(values, textOf(d, text))
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
				quoted, err := quote(c.Name, mark(d))
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

func TestMySQLSource(t *testing.T) {
	types := map[string]string{"text": "varchar(250) CHARACTER SET utf8mb4", "decimal": "decimal(65,30)", "integer": "bigint", "date": "date", "boolean": "boolean",
		"timestamp": "timestamp(6) NULL", "month": "text"}
	for _, stamp := range []string{"timestamp(6) NULL", "datetime(6)"} {
		types["timestamp"] = stamp
		t.Run(stamp[:8], func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				address := servers.MariaDB(t)
				d, err := newMySQL(address)
				if err != nil {
					t.Fatal(err)
				}
				target := sourceTarget(d, types)
				target.Source, err = MySQL().NewSource(testEnv(t), &MySQLConnection{URL: document.NewSecret("url", address)}, new(SourceOptions))
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
