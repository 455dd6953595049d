package sql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/schemas/document"
)

// session is the one connection of a load, a read or a look at the ledger.
// Transactions are begun and ended by statement, so that one connection can
// carry them together with a raw COPY, and so that nothing ends a transaction
// behind the load's back.
type session struct {
	*wrapper
	db   *sqlx.DB
	conn *sqlx.Conn
}

// exec runs a statement; doing names it in errors.
func (s *session) exec(ctx context.Context, doing, statement string, args ...any) error {
	_, err := s.conn.ExecContext(ctx, statement, args...)
	return s.wrap(err, "%s", doing)
}

// count runs a statement and tells how many rows it touched. The error is the
// driver's own, for callers that look at it.
func (s *session) count(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := s.conn.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads the one row of a query into dest. The error is the driver's own.
func (s *session) get(ctx context.Context, query string, args []any, dest ...any) error {
	return s.conn.QueryRowxContext(ctx, query, args...).Scan(dest...)
}

// close ends the connection; an open transaction is undone by the database.
func (s *session) close() {
	_ = s.conn.Close()
	_ = s.db.Close()
}

// reason is why the database refused a record.
func (s *session) reason(cause error) string {
	text := cause.Error()
	if s.explain != nil {
		text, _ = s.explain(cause)
	}
	return string(document.CodeSinkPoison) + ": " + s.clean(text)
}

// atFault are the columns an error names.
func (s *session) atFault(cause error) (columns []string) {
	if s.explain != nil {
		_, columns = s.explain(cause)
	}
	return columns
}

// raw runs f on the driver's connection. A panic there would leave the
// connection locked for ever, so it becomes an error.
func (s *session) raw(f func(driver.Conn) error) error {
	return s.conn.Raw(func(conn any) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the driver panicked: %v", p)
			}
		}()
		dc, ok := conn.(driver.Conn)
		if !ok {
			return fmt.Errorf("%T is no driver connection", conn)
		}
		return f(dc)
	})
}
