package document

import (
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// syntaxFinding turns yaml.v3's error into a finding with a place. The library
// says at most a line, often that of the mapping around the mistake. So the file
// is read again byte by byte to learn how far the library came, and a reader of
// our own looks up to there for the mistakes people make.
func syntaxFinding(s *source, err error) Diagnostic {
	failed := failedAt(s)
	if d, ok := findMistake(s, failed); ok {
		return d
	}
	return plainSyntaxFinding(s, strings.TrimPrefix(err.Error(), "yaml: "), failed)
}

var (
	lineOfError = regexp.MustCompile(`^line \d+: `)
	unknownName = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

func plainSyntaxFinding(s *source, message string, failed int) Diagnostic {
	message = lineOfError.ReplaceAllString(message, "")
	at := lastToken(s, failed)
	d := Diagnostic{Code: CodeYAMLSyntax, Position: s.position(at), Hint: "Compare the indentation, colons, quotes and brackets of this line and the one above."}
	switch {
	case unknownName.MatchString(message):
		name := unknownName.FindStringSubmatch(message)[1]
		if i := strings.Index(string(s.raw), "*"+name); i >= 0 {
			at = i
		}
		d.Code, d.Position, d.Hint = CodeAnchor, s.position(at), "Write the value out, or quote text that begins with *."
		message = "*" + name + " would repeat an anchor; anchors are not used here"
	case strings.HasPrefix(message, "exceeded max depth"):
		d.Code, d.Hint = CodeTooDeep, "Check the indentation and the brackets."
		message = "nested more than 64 levels deep"
	default:
		message = "YAML cannot be read here: " + message
	}
	d.Message = message
	return d
}

// lastToken goes back from where reading stopped to the start of the last word.
func lastToken(s *source, at int) int {
	at = min(at, len(s.raw))
	for at > 0 && strings.IndexByte(" \t\r\n", s.raw[at-1]) >= 0 {
		at--
	}
	for at > 0 && strings.IndexByte(" \t\r\n,[]{}", s.raw[at-1]) < 0 {
		at--
	}
	return at
}

// failedAt tells how many bytes the library had taken when it gave up. It looks a
// few characters ahead, so the mistake is at or before this offset.
func failedAt(s *source) int {
	coarse := &counted{raw: s.raw, step: 4096}
	drain(coarse)
	fine := &counted{raw: s.raw, step: 4096, slowFrom: max(coarse.at-16384, 0)}
	drain(fine)
	return fine.at
}

func drain(r io.Reader) {
	d := yaml.NewDecoder(r)
	for {
		if err := decodeNext(d, new(yaml.Node)); err != nil {
			return
		}
	}
}

// counted is a reader that knows how much was taken from it.
type counted struct {
	raw      []byte
	at       int
	step     int
	slowFrom int
}

func (c *counted) Read(p []byte) (int, error) {
	if c.at >= len(c.raw) {
		return 0, io.EOF
	}
	n := 1
	if c.at+c.step <= c.slowFrom || c.slowFrom == 0 && c.step > 1 && len(c.raw) > 16384 {
		n = min(c.step, len(p))
	}
	n = copy(p[:n], c.raw[c.at:])
	c.at += n
	return n, nil
}
