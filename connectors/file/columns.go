package file

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// otherColumns says that the file has other columns than the load, and what to
// do about it. A file is never given columns: the records in it were written
// under those it has.
func (w *writer) otherColumns(how string, has []string) error {
	var lacks []string
	for _, name := range w.load.Shape.Names() {
		if len(has) > 0 && !slices.Contains(has, name) {
			lacks = append(lacks, strconv.Quote(name))
		}
	}
	next := "write to another file, or use mode: replace"
	if len(lacks) > 0 {
		next = fmt.Sprintf("it has no column %s: leave that out with a select step, %s", strings.Join(lacks, ", "), next)
	}
	return fmt.Errorf("%w: %s: %s has other columns: %s; %s", connectors.ErrConfig, document.CodeSinkMissingColumn, w.target.name, how, next)
}

// headerNames reads the names in the first line of a CSV file, nil when they
// cannot be read.
func headerNames(in io.Reader, delimiter byte) (names []string) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil
	}
	scan := scanner{delimiter: delimiter, limit: len(text) + 1}
	if what, _ := scan.scan(text, 0, true); what != found || scan.fault != "" {
		return nil
	}
	for _, span := range scan.fields {
		names = append(names, string(text[span.Off:span.Off+span.Len]))
	}
	return names
}
