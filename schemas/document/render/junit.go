package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"

	"github.com/tieout/tieout/schemas/document"
)

type testSuites struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Suites   []testSuite `xml:"testsuite"`
}

type testSuite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Name      string   `xml:"name,attr"`
	ClassName string   `xml:"classname,attr"`
	File      string   `xml:"file,attr,omitempty"`
	Line      int      `xml:"line,attr,omitempty"`
	Time      string   `xml:"time,attr"`
	Failure   *failure `xml:"failure"`
	Out       string   `xml:"system-out,omitempty"`
}

type failure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes one suite per file and one case per finding; a file without
// findings is one case that passed, and a warning is a case that passed with a note.
func JUnit(w io.Writer, r Report) error {
	all := testSuites{Name: r.Command, Time: seconds(r)}
	for _, file := range r.suiteNames() {
		s := testSuite{Name: file, Time: "0"}
		for _, d := range r.all() {
			if suiteOf(d) == file {
				s.add(caseOf(d))
			}
		}
		if len(s.Cases) == 0 {
			s.add(testCase{Name: "is valid", ClassName: file, File: file, Time: "0"})
		}
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(r Report) string {
	ms := r.Elapsed.Milliseconds()
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

// suiteNames lists the files read, then any other file a finding names.
func (r Report) suiteNames() []string {
	names := slices.Clone(r.Files)
	for _, d := range r.all() {
		if !slices.Contains(names, suiteOf(d)) {
			names = append(names, suiteOf(d))
		}
	}
	return names
}

func suiteOf(d document.Diagnostic) string {
	if d.File == "" {
		return "tieout"
	}
	return d.File
}

func (s *testSuite) add(c testCase) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}

func caseOf(d document.Diagnostic) testCase {
	text := head(d)
	if d.Hint != "" {
		text += "\n" + d.Hint
	}
	name := string(d.Code)
	if d.Known() {
		name = fmt.Sprintf("%s at %d:%d", d.Code, d.Line, d.Column)
	}
	c := testCase{Name: name, ClassName: suiteOf(d), File: d.File, Line: d.Line, Time: "0"}
	if d.Severity == document.Warning {
		c.Out = text
		return c
	}
	c.Failure = &failure{Type: string(d.Code), Message: printable(d.Message), Text: text}
	return c
}
