package expression

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/tieout/tieout/schemas/document"
)

// Bounds of one expression's text.
const (
	maxSource  = 64 << 10 // bytes
	maxTokens  = 10_000
	maxNesting = 200 // brackets inside brackets
	maxNodes   = 10_000
	maxDepth   = 1_000 // nodes above one another
)

// The parser accepts `.field` only inside its own list functions. Ours are
// more, so the text is parsed as the body of one; everything then arrives as
// it was written, and the checker knows whether there is an element.
const (
	wrapBefore = "map(0,{"
	wrapAfter  = "\n})"
)

// syntax is the text of an expression, its tokens and its tree.
type syntax struct {
	text    string
	starts  []int // byte offset of each rune, and of the end
	tokens  []lexer.Token
	byStart map[int]int // rune offset -> index of the token that begins there
	partner []int       // index of the matching bracket, or -1
	root    ast.Node
}

// problem is a syntax error over runes from..to.
type problem struct {
	code     document.Code
	from, to int
	message  string
	hint     string
	fix      string
}

// parse reads the text. A tree comes only without problems.
func parse(text string) (*syntax, []problem) {
	s := &syntax{text: text}
	if len(text) > maxSource {
		s.starts = []int{0}
		return s, []problem{{code: document.CodeExprTooLarge, message: fmt.Sprintf("an expression of more than %d bytes", maxSource), hint: "compute parts of it as fields of their own"}}
	}
	for i := range text {
		s.starts = append(s.starts, i)
	}
	s.starts = append(s.starts, len(text))
	if strings.TrimSpace(text) == "" {
		return s, []problem{{code: document.CodeExprSyntax, message: "the expression is empty"}}
	}
	if p := s.lex(); p != nil {
		return s, []problem{*p}
	}
	if p := s.pair(); p != nil {
		return s, []problem{*p}
	}
	if p := s.build(); p != nil {
		return s, []problem{*p}
	}
	return s, nil
}

// end is the rune offset behind the text.
func (s *syntax) end() int { return len(s.starts) - 1 }

// bytes turns rune offsets into byte offsets within the text.
func (s *syntax) bytes(from, to int) (int, int) {
	from = min(max(from, 0), s.end())
	to = min(max(to, from), s.end())
	return s.starts[from], s.starts[to]
}

func (s *syntax) lex() *problem {
	if i := strings.IndexByte(s.text, 0); i >= 0 || !utf8.ValidString(s.text) {
		return &problem{code: document.CodeExprSyntax, message: "the expression holds bytes that are no text"}
	}
	l := lexer.New()
	l.Reset(file.NewSource(s.text))
	s.byStart = make(map[int]int)
	for {
		t, err := l.Next()
		if errors.Is(err, io.EOF) || err == nil && t.Kind == lexer.EOF {
			return s.onlyComments()
		}
		if err != nil {
			return s.lexProblem(err)
		}
		if len(s.tokens) == maxTokens {
			return &problem{code: document.CodeExprTooLarge, from: t.From, to: t.To, message: fmt.Sprintf("an expression of more than %d words and signs", maxTokens), hint: "compute parts of it as fields of their own"}
		}
		s.byStart[t.From] = len(s.tokens)
		s.tokens = append(s.tokens, t)
	}
}

func (s *syntax) onlyComments() *problem {
	if len(s.tokens) > 0 {
		return nil
	}
	return &problem{code: document.CodeExprSyntax, to: s.end(), message: "the expression is empty"}
}

func (s *syntax) lexProblem(err error) *problem {
	p := &problem{code: document.CodeExprSyntax, from: s.end(), to: s.end(), message: "the expression cannot be read"}
	var e *file.Error
	if !errors.As(err, &e) {
		return p
	}
	p.from, p.to = e.From, e.To
	switch {
	case strings.Contains(e.Message, "not terminated"):
		p.from, p.to = s.unclosedQuote(), s.end()
		p.message = "a quote is opened and never closed"
	case strings.Contains(e.Message, "unrecognized character"):
		from, to := s.bytes(e.From, e.To)
		p.message = fmt.Sprintf("unexpected character %q", s.text[from:to])
		if strings.ContainsAny(s.text[from:to], "“”„‘’«»") {
			p.hint = `use straight quotes: "text"`
		}
	case strings.Contains(e.Message, "bad number"):
		p.from = s.wordStart(e.To)
		p.message, p.hint = "a number runs into a word", "a name that begins with a digit is read as record[\"1st floor\"]"
	default:
		p.message = e.Message
	}
	return p
}

// unclosedQuote finds the quote behind the last token.
func (s *syntax) unclosedQuote() int {
	from := 0
	if n := len(s.tokens); n > 0 {
		from = s.tokens[n-1].To
	}
	for i := from; i < s.end(); i++ {
		if strings.IndexByte("'\"`", s.text[s.starts[i]]) >= 0 {
			return i
		}
	}
	return from
}

func (s *syntax) wordStart(to int) int {
	from := 0
	if n := len(s.tokens); n > 0 {
		from = s.tokens[n-1].To
	}
	for from < to && s.text[s.starts[from]] == ' ' {
		from++
	}
	return from
}

// build runs the parser over the text with its numbers masked: they are read
// from the text itself, exactly and at any length.
func (s *syntax) build() (p *problem) {
	defer func() {
		// The parser is not ours; a fault in it must not take a run down.
		if recover() != nil {
			p = &problem{code: document.CodeExprSyntax, to: s.end(), message: "the expression cannot be read"}
		}
	}()
	config := &conf.Config{MaxNodes: maxNodes}
	tree, err := parser.ParseWithConfig(wrapBefore+s.masked()+wrapAfter, config)
	if err != nil {
		return s.parseProblem(err)
	}
	if call, ok := tree.Node.(*ast.BuiltinNode); ok && len(call.Arguments) == 2 {
		if body, ok := call.Arguments[1].(*ast.PredicateNode); ok {
			s.root = body.Node
			return nil
		}
	}
	return &problem{code: document.CodeExprSyntax, to: s.end(), message: "the expression cannot be read"}
}

func (s *syntax) masked() string {
	b := []byte(s.text)
	for i, t := range s.tokens {
		from, to := s.bytes(t.From, t.To)
		switch {
		case t.Kind == lexer.Number:
			b[from] = '0'
			for k := from + 1; k < to; k++ {
				b[k] = ' '
			}
		case t.Is(lexer.Operator, "contains", "matches") && s.prefix(i):
			// The operators are functions too; a capital makes a name of them.
			b[from] -= 'a' - 'A'
		}
	}
	return string(b)
}

// prefix reports whether the token at i begins an operand and is a call.
func (s *syntax) prefix(i int) bool {
	if i+1 == len(s.tokens) || !s.tokens[i+1].Is(lexer.Bracket, "(") {
		return false
	}
	for i--; i >= 0 && s.tokens[i].Is(lexer.Operator, "not", "!"); i-- {
	}
	return i < 0 || s.tokens[i].Kind == lexer.Operator || s.tokens[i].Is(lexer.Bracket, "(", "[", "{")
}

// word gives the source text of the token a node stands on, or def.
func (s *syntax) word(n ast.Node, def string) string {
	from, _, _ := location(n)
	if i, ok := s.byStart[from]; ok {
		a, b := s.bytes(s.tokens[i].From, s.tokens[i].To)
		return s.text[a:b]
	}
	return def
}

// location gives the runes of a node's own token. Nodes the parser makes
// without a place have none.
func location(n ast.Node) (from, to int, ok bool) {
	loc := n.Location()
	return loc.From - len(wrapBefore), loc.To - len(wrapBefore), loc.From >= len(wrapBefore)
}

// number gives the text of a number node.
func (s *syntax) number(n ast.Node) string {
	from, _, _ := location(n)
	t := s.tokens[s.byStart[from]]
	return strings.ReplaceAll(t.Value, "_", "")
}
