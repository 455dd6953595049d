package expression

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/tieout/tieout/schemas/document"
)

// pair matches the brackets and bounds their nesting.
func (s *syntax) pair() *problem {
	s.partner = make([]int, len(s.tokens))
	var open []int
	for i, t := range s.tokens {
		s.partner[i] = -1
		if t.Kind != lexer.Bracket {
			continue
		}
		if at := strings.Index("([{", t.Value); at >= 0 {
			open = append(open, i)
			if len(open) > maxNesting {
				return &problem{code: document.CodeExprTooLarge, from: t.From, to: t.To,
					message: fmt.Sprintf("more than %d brackets inside one another", maxNesting), hint: "compute parts of it as fields of their own"}
			}
			continue
		}
		if len(open) == 0 || closing(s.tokens[open[len(open)-1]].Value) != t.Value {
			return &problem{code: document.CodeExprSyntax, from: t.From, to: t.To, message: fmt.Sprintf("%q closes nothing", t.Value)}
		}
		last := open[len(open)-1]
		s.partner[last], s.partner[i] = i, last
		open = open[:len(open)-1]
	}
	if len(open) > 0 {
		t := s.tokens[open[len(open)-1]]
		return &problem{code: document.CodeExprSyntax, from: t.From, to: t.To, message: fmt.Sprintf("%q is opened and never closed", t.Value)}
	}
	return nil
}

func closing(open string) string {
	return map[string]string{"(": ")", "[": "]", "{": "}"}[open]
}

// parseProblem turns the parser's complaint into ours.
func (s *syntax) parseProblem(err error) *problem {
	p := &problem{code: document.CodeExprSyntax, to: s.end(), message: "the expression cannot be read"}
	var e *file.Error
	if !errors.As(err, &e) {
		return p
	}
	from := e.From - len(wrapBefore)
	switch {
	case strings.Contains(e.Message, "maximum allowed nodes"):
		p.code, p.message = document.CodeExprTooLarge, fmt.Sprintf("an expression of more than %d parts", maxNodes)
		p.hint = "compute parts of it as fields of their own"
	case strings.Contains(e.Message, "cannot be mixed"):
		p.from, p.to = from, e.To-len(wrapBefore)
		p.message, p.hint = "?? and another operator need brackets to say which comes first", "write (a ?? b) + c"
	case strings.Contains(e.Message, "expected at least"):
		p.code, p.from, p.to = document.CodeExprArguments, from, e.To-len(wrapBefore)
		p.message, p.hint = "the function needs a list and an expression over its elements", "write all(lines, .amount > 0)"
	default:
		s.unexpected(p, from)
	}
	return p
}

// unexpected words the commonest problem by the token it stands on.
func (s *syntax) unexpected(p *problem, from int) {
	i, ok := s.byStart[from]
	if !ok {
		p.message = "the expression ends too early"
		last := s.tokens[len(s.tokens)-1]
		p.from, p.to = last.From, last.To
		return
	}
	t := s.tokens[i]
	p.from, p.to = t.From, t.To
	a, b := s.bytes(t.From, t.To)
	word := s.text[a:b]
	p.message = fmt.Sprintf("unexpected %q", word)
	p.hint = s.hintFor(i, word)
}

// hintFor knows what people bring along from other languages.
func (s *syntax) hintFor(i int, word string) string {
	switch strings.ToLower(word) {
	case "and", "or", "not", "in":
		if word != strings.ToLower(word) {
			return "write " + strings.ToLower(word)
		}
	case "then", "elif", "elseif", "end", "endif":
		return "write if condition { a } else { b }"
	case "is":
		return "write == nil or != nil"
	case "like":
		return "use contains, startsWith, endsWith or matches"
	case "between":
		return "write x >= a and x <= b"
	case ">":
		if i > 0 && s.tokens[i-1].Value == "<" {
			return "write !="
		}
	case "&":
		return "write and"
	case "=":
		return "compare with =="
	}
	if s.tokens[i].Kind == lexer.Identifier && i > 0 && s.tokens[i-1].Kind == lexer.Identifier {
		return "a name with a blank is written record[\"Unit No\"], a text stands in quotes"
	}
	return ""
}
