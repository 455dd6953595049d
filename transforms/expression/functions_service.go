package expression

import (
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/document"
)

// serviceFunctions write values as services want them in requests.
func serviceFunctions() []function {
	return []function{
		{
			signature: "http_date(at: timestamp) -> text",
			doc:       "The instant as the headers of HTTP have it, in whole seconds.",
			examples:  []Example{{`http_date(timestamp("2026-10-31T17:30:15.75Z"))`, "Sat, 31 Oct 2026 17:30:15 GMT"}},
			build:     buildHTTPDate,
		},
		{
			signature: "quote(text: text, escape?: const text) -> text",
			doc:       "The text in single quotes, for queries that are text: a quote in it has a backslash before it, or stands twice where escape is \"''\".",
			examples:  []Example{{`quote("O'Brien")`, `'O\'Brien'`}, {`quote("O'Brien", "''")`, `'O''Brien'`}},
			build:     buildQuote,
		},
	}
}

const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

func buildHTTPDate(_ *compiler, a args) *operand {
	at := a[0].i
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := at(f)
		if !ok || !f.room(len(httpDate)) {
			return dst, false
		}
		return time.UnixMicro(v).UTC().AppendFormat(dst, httpDate), true
	})
}

func buildQuote(c *compiler, a args) *operand {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	if o := a.at(1); o != nil {
		switch how, _ := c.fixedText(o); how {
		case `\`:
		case "''":
			escape = strings.NewReplacer(`'`, `''`)
		default:
			return c.errorf(o.node, document.CodeExprArguments, `write "''" or "\\"`, "quote escapes with a backslash or by writing the quote twice")
		}
	}
	s := a[0].s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok || !f.room(2*len(v)+2) {
			return dst, false
		}
		return append(append(append(dst, '\''), escape.Replace(v)...), '\''), true
	})
}
