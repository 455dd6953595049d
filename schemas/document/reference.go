package document

import (
	"regexp"
	"slices"
	"strings"
)

// referenceSchemes lists what may stand before the colon of a reference.
func referenceSchemes() []string { return []string{"env", "file", "secret", "var", "each"} }

// piece is a stretch of a setting: plain text, or a reference.
type piece struct {
	text     string
	ref      *Reference
	from, to int // bytes of the setting's text
	problem  string
}

// splitReferences divides a setting at its references. `$${` is a plain `${`.
func splitReferences(s string) []piece {
	var pieces []piece
	plain := func(text string) {
		if text != "" {
			pieces = append(pieces, piece{text: text})
		}
	}
	at := 0
	for {
		i := strings.Index(s[at:], "${")
		if i < 0 {
			plain(s[at:])
			return pieces
		}
		i += at
		if i > at && s[i-1] == '$' {
			plain(s[at:i-1] + "${")
			at = i + 2
			continue
		}
		plain(s[at:i])
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			pieces = append(pieces, piece{from: i, to: len(s), problem: "the reference is not closed with }"})
			return pieces
		}
		end += i + 1
		pieces = append(pieces, readReference(s[i+2:end-1], i, end))
		at = end
	}
}

func readReference(inner string, from, to int) piece {
	p := piece{from: from, to: to}
	scheme, rest, ok := strings.Cut(inner, ":")
	switch {
	case !ok || strings.HasPrefix(rest, "-"):
		p.problem = "the reference does not say where the value comes from"
		return p
	case !slices.Contains(referenceSchemes(), scheme):
		p.problem = "there is no source of values named " + quoteText(clip(scheme))
		return p
	}
	name, def, has := strings.Cut(rest, ":-")
	if name == "" || strings.TrimSpace(name) != name || strings.Contains(name, "${") {
		p.problem = "the reference names nothing"
		return p
	}
	p.ref = &Reference{Scheme: scheme, Name: name, Default: def, HasDefault: has}
	return p
}

var looksLikeReference = regexp.MustCompile(`\$\{[A-Za-z_]`)

// refuseReferences reports a reference where none may stand. In an expression
// `${` is never meaningful; in a text `$${` is the way to write it.
func (d *Decoder) refuseReferences(n *Node, expression bool) bool {
	text := n.Text()
	for _, m := range looksLikeReference.FindAllStringIndex(text, -1) {
		if m[0] > 0 && text[m[0]-1] == '$' {
			continue
		}
		end := len(text)
		if i := strings.IndexByte(text[m[0]:], '}'); i >= 0 {
			end = m[0] + i + 1
		}
		hint := "References stand in the settings of tieout.yaml, such as a connection's keys."
		if expression {
			hint += "\nIn an expression use a field, or a value of `run` or `each`."
		} else {
			hint += "\nFor the characters themselves write $${."
		}
		d.Report.ErrorAt(n.Scalar().Slice(m[0], end), CodeReferenceNotAllowed, hint, "the reference %q may not stand in %s", clip(text[m[0]:end]), describe(n))
		return true
	}
	return false
}

// expand resolves the references of a setting. Resolved is false when there is a
// reference and no resolver, or a problem that has been reported.
func (d *Decoder) expand(n *Node, f *field) (text string, resolved bool) {
	text = n.Text()
	if !strings.Contains(text, "${") {
		return text, true
	}
	if !f.ref {
		if d.refuseReferences(n, false) {
			return text, false
		}
		return strings.ReplaceAll(text, "$${", "${"), true
	}
	text, _, resolved = d.resolve(n, false)
	return text, resolved
}

// resolve puts the values of all references into the text. Name is that of the
// only reference, "" when there are none or several.
func (d *Decoder) resolve(n *Node, secret bool) (text, name string, ok bool) {
	var b strings.Builder
	ok = true
	refs := 0
	for _, p := range splitReferences(n.Text()) {
		switch {
		case p.problem != "":
			ok = false
			d.badReference(n, p)
		case p.ref == nil:
			b.WriteString(p.text)
		default:
			refs++
			name = p.ref.Name
			value, found := d.lookup(n, p, secret)
			b.WriteString(value)
			ok = ok && found
		}
	}
	if refs != 1 {
		name = ""
	}
	return b.String(), name, ok
}

func (d *Decoder) badReference(n *Node, p piece) {
	at := n.Scalar().Slice(p.from, p.to)
	inner := strings.TrimSuffix(strings.TrimPrefix(at.Value, "${"), "}")
	diag := DiagnosticAt(at, CodeReferenceSyntax, "Write ${env:NAME}, ${env:NAME:-default}, ${file:path}, ${secret:name}, ${var:name} or ${each:name}.", "%s", p.problem)
	if plainName.MatchString(inner) {
		diag.Fix = "${env:" + inner + "}"
	}
	d.Report.Add(diag)
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *Decoder) lookup(n *Node, p piece, secretField bool) (string, bool) {
	if d.Resolver == nil {
		return "", false
	}
	at := n.Scalar().Slice(p.from, p.to)
	value, secret, err := d.Resolver.Resolve(*p.ref)
	switch {
	case err != nil:
		code := CodeReferenceMissing
		if secretField || p.ref.Scheme == "secret" {
			code = CodeAuthSecretMissing
		}
		d.Report.ErrorAt(at, code, missingHint(*p.ref), "%s:%s: %s", p.ref.Scheme, p.ref.Name, err)
		return "", false
	case secret && !secretField:
		d.Report.ErrorAt(at, CodeSecretNotAllowed, "Use a setting that is kept secret, or ${env:NAME} when the value may be shown.", "%s is shown in logs and plans; a secret may not stand in it", describe(n))
		return "", false
	}
	return value, true
}

func missingHint(ref Reference) string {
	switch ref.Scheme {
	case "env":
		return "Set " + ref.Name + " in the environment, or give a default: ${env:" + ref.Name + ":-value}"
	case "file":
		return "Check the path; it counts from the project's folder."
	case "var":
		return "Give it on the command line: --var " + ref.Name + "=value"
	case "each":
		return "Name a column of the table under for_each."
	}
	return "Store the secret, or use ${env:NAME}."
}

// secret decodes a Secret field. A value written out is a warning: it works, and
// it belongs elsewhere.
func (d *Decoder) secret(n *Node) Secret {
	value, name, ok := d.resolve(n, true)
	if name == "" {
		name = strings.TrimPrefix(strings.ReplaceAll(n.Path(), "/", "."), ".")
	}
	s := Secret{name: name, node: n}
	if !strings.Contains(n.Text(), "${") && value != "" {
		d.Report.WarnAt(n, CodeSecretInFile, "Write ${env:NAME} and set NAME in the environment.", "%s is a secret and stands in the file", describe(n))
	}
	if ok {
		s.reveal = func() string { return value }
		d.secrets = append(d.secrets, s)
	}
	return s
}
