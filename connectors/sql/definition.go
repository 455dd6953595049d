package sql

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// PostgresConnection is a PostgreSQL database. The URL may hold a password,
// so it is kept as a secret.
type PostgresConnection struct {
	URL document.Secret `yaml:"url" required:"true" doc:"Address of the database. Without an sslmode, connections to other machines are encrypted (sslmode=require)." example:"${env:WAREHOUSE_URL}"`
}

// MySQLConnection is a MySQL or MariaDB database. The URL may hold a password,
// so it is kept as a secret.
type MySQLConnection struct {
	URL document.Secret `yaml:"url" required:"true" doc:"Address of the database: mysql://user:password@host:3306/database. Connections to other machines are encrypted and the server's certificate is checked; ?tls=skip-verify does not check it, ?tls=false does not encrypt." example:"${env:BOOKS_URL}"`
}

// SQLServerConnection is a Microsoft SQL Server database. The URL may hold a
// password, so it is kept as a secret.
type SQLServerConnection struct {
	URL document.Secret `yaml:"url" required:"true" doc:"Address of the database: sqlserver://user:password@host:1433?database=books. Connections to other machines are encrypted and the server's certificate is checked; ?encrypt= and ?TrustServerCertificate= say otherwise. The database must allow snapshots, or have READ_COMMITTED_SNAPSHOT on." example:"${env:BOOKS_URL}"`
}

// SQLiteConnection is one database file.
type SQLiteConnection struct {
	Path document.Text `yaml:"path" required:"true" ref:"true" doc:"The database file, relative to the project. A sink creates it when it is missing." example:"./warehouse.db"`
}

// SourceOptions are the keys beside the common ones under source:.
type SourceOptions struct {
	Query document.Text `yaml:"query" doc:"A SELECT to read instead of a table. :cursor stands for the lower bound of the cursor and :upper for the upper one, both inclusive." example:"select * from charges where updated_at >= :cursor"`
}

// SinkOptions are the keys beside the common ones under sink:.
type SinkOptions struct {
	Ledger document.Text `yaml:"ledger" doc:"Schema, in MySQL database, of the tables tieout_loads and tieout_positions; that of the connection when not given. SQLite has none." example:"audit"`
}

// Postgres describes the connector postgres.
func Postgres() connectors.Definition {
	return connectors.Definition{
		Name:       "postgres",
		Summary:    "Tables and queries of a PostgreSQL database.",
		Connection: func() any { return new(PostgresConnection) },
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      modes(), Missing: true, Cursor: true, Lag: true, Typed: true,
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			db, err := newPostgres(connection.(*PostgresConnection).URL.Reveal())
			if err != nil {
				return nil, err
			}
			return &source{flavor: &postgresFlavor{db: db}, query: options.(*SourceOptions).Query.Value, limits: env.Limits}, nil
		},
		NewSink: func(env connectors.Env, connection, options any) (connectors.Sink, error) {
			db, err := newPostgres(connection.(*PostgresConnection).URL.Reveal())
			if err != nil {
				return nil, err
			}
			db.ledgerSchema, db.connection, db.writes = options.(*SinkOptions).Ledger.Value, env.Name, true
			return &sink{dialect: db, now: env.Now}, nil
		},
	}
}

// MySQL describes the connector mysql.
func MySQL() connectors.Definition {
	return connectors.Definition{
		Name:       "mysql",
		Summary:    "Tables and queries of a MySQL or MariaDB database. Instants are written to DATETIME columns as a clock of the connection's `timezone` shows them, and read back so.",
		Connection: func() any { return new(MySQLConnection) },
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      modes(), Missing: true, Cursor: true, Lag: true, Typed: true,
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			db, err := newMySQL(connection.(*MySQLConnection).URL.Reveal())
			if err != nil {
				return nil, err
			}
			return &source{flavor: &mysqlFlavor{db: db}, query: options.(*SourceOptions).Query.Value, limits: env.Limits}, nil
		},
		NewSink: func(env connectors.Env, connection, options any) (connectors.Sink, error) {
			db, err := newMySQL(connection.(*MySQLConnection).URL.Reveal())
			if err != nil {
				return nil, err
			}
			db.ledgerSchema, db.connection, db.writes = options.(*SinkOptions).Ledger.Value, env.Name, true
			return &sink{dialect: db, now: env.Now}, nil
		},
	}
}

// SQLServer describes the connector sqlserver.
func SQLServer() connectors.Definition {
	return connectors.Definition{
		Name:       "sqlserver",
		Summary:    "Tables and queries of a Microsoft SQL Server database, to read from. Its statements have been tested without a server.",
		Connection: func() any { return new(SQLServerConnection) },
		Source:     func() any { return new(SourceOptions) },
		Cursor:     true, Lag: true, Typed: true,
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			db, err := newSQLServer(connection.(*SQLServerConnection).URL.Reveal())
			if err != nil {
				return nil, err
			}
			return &source{flavor: &mssqlFlavor{db: db}, query: options.(*SourceOptions).Query.Value, limits: env.Limits}, nil
		},
	}
}

// SQLite describes the connector sqlite.
func SQLite() connectors.Definition {
	return connectors.Definition{
		Name:       "sqlite",
		Summary:    "Tables and queries of an SQLite database file.",
		Connection: func() any { return new(SQLiteConnection) },
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      modes(), Missing: true, Cursor: true, Lag: true, Typed: true,
		CheckSink: func(_, options any, _ connectors.Load) error {
			if schema := options.(*SinkOptions).Ledger.Value; schema != "" && schema != "main" {
				return configError("the ledger of an SQLite database stands in its own file, since only there it is committed together with the records; remove `ledger: %s`", schema)
			}
			return nil
		},
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			db := newSQLite(env.Dir, connection.(*SQLiteConnection).Path.Value)
			return &source{flavor: &sqliteFlavor{db: db}, query: options.(*SourceOptions).Query.Value, limits: env.Limits}, nil
		},
		NewSink: func(env connectors.Env, connection, options any) (connectors.Sink, error) {
			db := newSQLite(env.Dir, connection.(*SQLiteConnection).Path.Value)
			return &sink{dialect: db, now: env.Now}, nil
		},
	}
}

func modes() []connectors.Mode {
	return []connectors.Mode{connectors.Append, connectors.Upsert, connectors.Replace, connectors.History}
}
