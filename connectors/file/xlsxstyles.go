package file

import (
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors/rows/markup"
)

// style is what the style of a cell says of its number.
type style struct {
	shows  shows
	indent int32
}

// shows is how a number is shown.
type shows uint8

const (
	asNumber  shows = iota
	asDate          // a day
	asTime          // a time of day
	asStamp         // both
	asElapsed       // hours beyond 24 too
)

// loadStyles reads what each style of a cell makes of a number.
func (b *book) loadStyles(part string) error {
	codes, within := make(map[string]string), false
	return b.walk(part, func(s *markup.Scanner, kind markup.Kind) error {
		switch name := string(s.Name()); {
		case name == "cellXfs":
			within = kind == markup.Start
		case kind != markup.Start:
		case name == "numFmt" && !within && len(codes) < 10_000:
			codes[string(s.Attr("numFmtId"))] = string(s.Attr("formatCode"))
		case name == "xf" && within:
			id := string(s.Attr("numFmtId"))
			code, custom := codes[id]
			if len(b.styles) >= 100_000 {
				return nil
			}
			if custom {
				b.styles = append(b.styles, style{shows: showsOf(code)})
			} else {
				b.styles = append(b.styles, style{shows: builtIn(id)})
			}
		case name == "alignment" && within && len(b.styles) > 0:
			if n, err := strconv.ParseInt(string(s.Attr("indent")), 10, 16); err == nil {
				b.styles[len(b.styles)-1].indent = int32(n)
			}
		}
		return nil
	})
}

// builtIn knows the formats that have a number and no text.
func builtIn(id string) shows {
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
		return asNumber
	case n >= 14 && n <= 17, n >= 27 && n <= 31, n == 36, n >= 50 && n <= 54, n == 57, n == 58:
		return asDate
	case n >= 18 && n <= 21, n >= 32 && n <= 35, n == 45, n == 47, n == 55, n == 56:
		return asTime
	case n == 22:
		return asStamp
	case n == 46:
		return asElapsed
	}
	return asNumber
}

// showsOf reads a format as an analyst writes it into the cell's settings,
// such as dd/mm/yyyy hh:mm or #,##0.00. Its first part is for positive
// numbers and decides.
func showsOf(code string) shows {
	letters, elapsed := letters(strings.ToLower(code))
	day := strings.ContainsAny(letters, "yd")
	clock := strings.ContainsAny(letters, "hs")
	switch {
	case elapsed:
		return asElapsed
	case strings.HasPrefix(letters, "general"), strings.HasPrefix(letters, "standard"):
		return asNumber
	case day && clock:
		return asStamp
	case clock:
		return asTime
	case day || strings.Contains(letters, "m"):
		return asDate
	}
	return asNumber
}

// letters leaves out of a format what stands for itself: quoted and escaped
// text, colours, currencies and conditions in brackets. elapsed says that it
// counts hours, minutes or seconds beyond their turn.
func letters(code string) (rest string, elapsed bool) {
	var out strings.Builder
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case ';':
			return out.String(), elapsed
		case '"':
			n := strings.IndexByte(code[i+1:], '"')
			if n < 0 {
				return out.String(), elapsed
			}
			i += n + 1
		case '\\', '_', '*':
			i++
		case '[':
			n := strings.IndexByte(code[i:], ']')
			if n < 0 {
				return out.String(), elapsed
			}
			switch code[i+1 : i+n] {
			case "h", "hh", "m", "mm", "s", "ss":
				elapsed = true
			}
			i += n
		case 'e':
			if i+1 < len(code) && (code[i+1] == '+' || code[i+1] == '-') {
				i++ // an exponent
				continue
			}
			out.WriteByte('e')
		default:
			out.WriteByte(code[i])
		}
	}
	return out.String(), elapsed
}
