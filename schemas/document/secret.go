package document

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret holds a resolved secret. Every way of printing, logging or encoding it
// gives ‹secret NAME›; Reveal is the only way out. The value sits behind a
// function, so that printing a struct that holds a Secret shows nothing, and two
// Secrets cannot be compared with ==.
type Secret struct {
	name   string
	reveal func() string
	node   *Node
}

// NewSecret makes a secret from a value that did not come from a document.
func NewSecret(name, value string) Secret {
	return Secret{name: name, reveal: func() string { return value }}
}

// Name says which secret it is: the reference's name, or the key it stands under.
func (s Secret) Name() string { return s.name }

// IsSet reports whether the setting was given and its references were resolved.
func (s Secret) IsSet() bool { return s.reveal != nil }

// Given reports whether the setting stands in the document, resolved or not.
func (s Secret) Given() bool { return s.node != nil || s.reveal != nil }

// Node gives the scalar it was read from, nil when there is none.
func (s Secret) Node() *Node { return s.node }

// Reveal gives the secret itself, "" when it is not set. The caller keeps it out
// of errors, logs and files.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String gives ‹secret NAME›.
func (s Secret) String() string { return "‹secret " + s.name + "›" }

// GoString gives ‹secret NAME›.
func (s Secret) GoString() string { return s.String() }

// Format gives ‹secret NAME› for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON gives the string ‹secret NAME›.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(quoteText(s.String())), nil }

// MarshalText gives ‹secret NAME›.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue gives ‹secret NAME›.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
