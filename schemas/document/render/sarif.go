package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

type object = map[string]any

// SARIF writes version 2.1.0 with one rule per code. A result's fingerprint is
// made of its code, file, path and the text of its line, not of the line number,
// so that it keeps its identity when lines move.
func SARIF(w io.Writer, r Report) error {
	rules, index := sarifRules(r.all())
	results := make([]any, 0, len(r.all()))
	seen := make(map[string]int)
	for _, d := range r.all() {
		results = append(results, sarifResult(r, d, index, seen))
	}
	return encode(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []any{object{
			"tool":       object{"driver": object{"name": "tieout", "version": r.Version, "rules": rules}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	})
}

func sarifRules(found document.Diagnostics) ([]any, map[document.Code]int) {
	rules, index := []any{}, make(map[document.Code]int)
	for _, d := range found {
		if _, done := index[d.Code]; done {
			continue
		}
		index[d.Code] = len(rules)
		rule := object{"id": string(d.Code)}
		if info, ok := document.LookupCode(d.Code); ok {
			rule["shortDescription"] = object{"text": info.Summary}
			rule["help"] = object{"text": info.Help, "markdown": info.Help}
		}
		rules = append(rules, rule)
	}
	return rules, index
}

func sarifResult(r Report, d document.Diagnostic, index map[document.Code]int, seen map[string]int) object {
	text := d.Message
	if d.Hint != "" {
		text += "\n" + d.Hint
	}
	result := object{
		"ruleId": string(d.Code), "ruleIndex": index[d.Code], "level": d.Severity.String(),
		"message":             object{"text": text},
		"partialFingerprints": object{"tieout/v1": fingerprint(r, d, seen)},
	}
	if d.File == "" {
		return result
	}
	place := object{"artifactLocation": object{"uri": fileURI(d.File)}}
	if d.Known() {
		place["region"] = region(d)
	}
	result["locations"] = []any{object{"physicalLocation": place}}
	if d.Fix != "" && d.EndColumn > 0 {
		change := object{"deletedRegion": region(d), "insertedContent": object{"text": d.Fix}}
		result["fixes"] = []any{object{"artifactChanges": []any{object{"artifactLocation": place["artifactLocation"], "replacements": []any{change}}}}}
	}
	return result
}

func region(d document.Diagnostic) object {
	o := object{"startLine": d.Line, "startColumn": d.Column}
	if d.EndColumn > d.Column {
		o["endLine"], o["endColumn"] = d.Line, d.EndColumn
	}
	return o
}

func fileURI(file string) string {
	return (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()
}

// fingerprint tells alike findings apart by counting them.
func fingerprint(r Report, d document.Diagnostic, seen map[string]int) string {
	key := strings.Join([]string{string(d.Code), filepath.ToSlash(d.File), d.Path, strings.TrimSpace(r.line(d))}, "\x00")
	n := seen[key]
	seen[key] = n + 1
	sum := sha256.Sum256(append([]byte(key), byte(n), byte(n>>8)))
	return hex.EncodeToString(sum[:16])
}
