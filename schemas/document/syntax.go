package document

import "strings"

// syntaxFinding turns yaml.v3's error into a finding with a place.
func syntaxFinding(s *source, err error) Diagnostic {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	d := Diagnostic{Code: CodeYAMLSyntax, Position: Position{File: s.file, Line: 1, Column: 1}, Message: message}
	return d
}
