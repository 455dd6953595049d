package auth

import (
	"errors"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// The kinds of failure that no other attempt heals. They wrap
// connectors.ErrEnvironment and carry their codes. Any other failure to get a
// token may pass: nothing that is kept is given up for it.
var (
	// ErrConsent: a person has to consent, for the first time or again.
	ErrConsent = fmt.Errorf("%w: %s", connectors.ErrEnvironment, document.CodeAuthConsent)
	// ErrRefused: the token server refuses the client or what it asks for.
	ErrRefused = fmt.Errorf("%w: %s", connectors.ErrEnvironment, document.CodeAuthRefused)
)

// Final reports whether an error of a Signer stays until a person acts, so
// that it is no use to try again at once.
func Final(err error) bool { return said(err) || errors.As(err, new(*unopened)) }

// said reports whether the token server has had the last word.
func said(err error) bool { return errors.Is(err, ErrConsent) || errors.Is(err, ErrRefused) }

// unopened is an error of a vault that gave nothing to look at: the key is
// another one, or its place cannot be reached.
type unopened struct{ err error }

func (e *unopened) Error() string { return e.err.Error() }
func (e *unopened) Unwrap() error { return e.err }

// refusedToken says that a server knows a refresh token no more.
type refusedToken struct {
	status int
}

func (e *refusedToken) Error() string {
	return fmt.Sprintf("status %d, invalid_grant", e.status)
}
