// Package render writes findings for people and for programs: text with the
// source line and a caret, JSON, JUnit XML, SARIF 2.1.0, GitHub workflow commands
// and Markdown.
//
// It decides nothing about findings and knows no command line: the caller passes
// the findings in order and says what ran. Read render.go first.
package render
