package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// fault is what an error of a database means for a load.
type fault uint8

const (
	faultOther       fault = iota
	faultData              // a value or record the database refuses
	faultEnvironment       // unreachable or locked
	faultFull              // no room is left
	faultLogin             // who logs in is not known, or the password is wrong
	faultDenied            // the user has no right to do it
	faultLost              // the connection is gone: the outcome is unknown
	faultTwice             // one statement met a key twice
)

// databaseError is an error of a database with every secret taken out of its
// text.
type databaseError struct {
	text  string
	kind  error
	cause error
}

func (e *databaseError) Error() string { return e.text }

// Unwrap gives the kind of failure and the driver's error.
func (e *databaseError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.cause}
	}
	return []error{e.kind, e.cause}
}

// wrapper turns driver errors into errors of this package.
type wrapper struct {
	classify func(error) fault
	secrets  []string
	place    string // names the database without a secret, for messages
	advice   string // what to check when it cannot be reached; "" for a server
	words    words
	writes   bool // it is the database of a sink
	// explain reads what a refusal says: why, and which columns; nil is the
	// error's own text.
	explain func(error) (reason string, columns []string)
}

// wrap says what was being done when err happened; nil stays nil.
func (w *wrapper) wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	doing := fmt.Sprintf(format, args...)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || isOurs(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	e := &databaseError{cause: err}
	code := ""
	switch w.classify(err) {
	case faultEnvironment, faultLost:
		e.kind = connectors.ErrEnvironment
	case faultFull:
		e.kind, code = connectors.ErrEnvironment, string(document.CodeRunNoRoom)+": "
	case faultLogin:
		e.kind, code = connectors.ErrEnvironment, string(document.CodeAuthRefused)+": "
	case faultDenied:
		e.kind, code = connectors.ErrEnvironment, string(w.denied())+": "
	}
	e.text = w.clean(fmt.Sprintf("%s: %s: %s%v", w.place, doing, code, err))
	return e
}

// denied is the code of what a user has no right to.
func (w *wrapper) denied() document.Code {
	if w.writes {
		return document.CodeSinkPermission
	}
	return document.CodeAuthRefused
}

// unreachable says that the database did not let itself be connected to.
func (w *wrapper) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if w.classify(err) == faultLogin {
		return &databaseError{cause: err, kind: connectors.ErrEnvironment,
			text: w.clean(fmt.Sprintf("%s: %s: %v; check user and password in the url of the connection", w.place, document.CodeAuthRefused, err))}
	}
	said, advice := " cannot be opened: ", w.advice
	if advice == "" {
		said, advice = " cannot be reached: ", "check the url, the network and the server"
	}
	return &databaseError{cause: err, kind: connectors.ErrEnvironment, text: w.clean(w.place + said + err.Error() + "; " + advice)}
}

// connectionFault tells, for an error that the database itself did not send,
// whether the connection is gone.
func connectionFault(err error) fault {
	var ne net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, stdsql.ErrConnDone) || errors.As(err, &ne) {
		return faultLost
	}
	return faultOther
}

func isOurs(err error) bool {
	var ours *databaseError
	return errors.As(err, &ours) || errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrEnvironment) ||
		errors.Is(err, connectors.ErrTooManyRefused)
}

// clean takes the secrets out of a text.
func (w *wrapper) clean(text string) string {
	for _, s := range w.secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
