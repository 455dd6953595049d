package pipelines

import (
	"fmt"

	"github.com/tieout/tieout/schemas/document"
)

// later lists what the language will have and this version does not run, by
// the key it is written under, so that nobody looks for a spelling mistake.
func later(key string) string {
	switch key {
	case "webhook":
		return "schedules by webhook"
	case "void":
		return "`void`"
	}
	return ""
}

// passOn moves what decoding found to r, with plain words for what a later
// version will do.
func passOn(found, r *document.Report) {
	for _, d := range found.Diagnostics() {
		what := ""
		switch d.Code {
		case document.CodeUnknownKey, document.CodeMisplacedKey, document.CodeStepUnknown, document.CodeOneKey:
			what = later(lastKey(d.Path))
		}
		if what != "" {
			if d.Code == document.CodeMisplacedKey {
				d.Code = document.CodeUnknownKey
			}
			d.Message = fmt.Sprintf("this version of tieout does not have %s yet", what)
			d.Hint, d.Fix = "Leave it out, or do that part with another tool until it does.", ""
		}
		r.Add(d)
	}
}
