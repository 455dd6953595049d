package sql

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// maxName is how many bytes PostgreSQL keeps of a name; it cuts the rest
// without an error, so two long names could meet.
const maxName = 63

// tableName is a table, in a schema or in the default one.
type tableName struct{ schema, table string }

// parseTable splits `schema.table` at its point. More points are an error.
func parseTable(stream string) (tableName, error) {
	schema, table, found := strings.Cut(stream, ".")
	if !found {
		schema, table = "", stream
	}
	if table == "" || found && schema == "" || strings.Contains(table, ".") {
		return tableName{}, configError("stream %q is not of the form table or schema.table", stream)
	}
	return tableName{schema, table}, nil
}

// String is the name as an analyst writes it.
func (t tableName) String() string {
	if t.schema == "" {
		return t.table
	}
	return t.schema + "." + t.table
}

// quoted is the name as SQL.
func (t tableName) quoted(w *words) (string, error) {
	table, err := w.quote(t.table)
	if err != nil || t.schema == "" {
		return table, err
	}
	schema, err := w.quote(t.schema)
	return schema + "." + table, err
}

// quote writes any name as an SQL identifier, between marks. It is the only
// way a name gets into a statement, and it always escapes: a name that looks
// quoted already is a name with quotes in it. Names that no database takes are
// refused.
func quote(name, mark string) (string, error) {
	switch {
	case name == "":
		return "", configError("a name of a table or column is empty")
	case strings.IndexByte(name, 0) >= 0:
		return "", configError("the name %q holds a NUL byte", name)
	case !utf8.ValidString(name):
		return "", configError("the name %q is not UTF-8", name)
	}
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark, nil
}

// checkCreated refuses names that a created table would not keep apart:
// longer than the database keeps, or, when it folds case, alike but for case.
func checkCreated(names []string, longest int, folds bool) error {
	seen := make(map[string]string, len(names))
	for _, name := range names {
		if longest > 0 && len(name) > longest {
			return configError("%q has %d bytes and the database keeps %d; rename the field", name, len(name), longest)
		}
		id := name
		if folds {
			id = strings.ToLower(name)
		}
		if other, dup := seen[id]; dup {
			return configError("fields %q and %q would be one column; rename one of them", other, name)
		}
		seen[id] = name
	}
	return nil
}

// literal writes a text as an SQL string, for the few places where no
// parameter can stand. NUL is refused by the callers.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// configError is a mistake in the pipeline or the project.
func configError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", connectors.ErrConfig, fmt.Errorf(format, args...))
}

// codedError is configError with a diagnostic code in front.
func codedError(code document.Code, format string, args ...any) error {
	return configError(string(code)+": "+format, args...)
}
