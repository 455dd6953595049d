package books

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/decimal"
)

// Document is one document the service has.
type Document struct {
	Company, Kind string
	ID            string
	Version       string
	Number, Date  string
	// Customer is the party of the document; Note text without a meaning.
	Customer, Note string
	Total          decimal.Decimal
	Lines          []Line
	Voided         bool
}

// Line is one line of a document: an amount on an account, a debit where
// amounts of a journal are positive.
type Line struct {
	Account, Text string
	Amount        decimal.Decimal
}

// sent is a document as it comes. Amounts are numbers or text.
type sent struct {
	Number   string      `json:"number"`
	Date     string      `json:"date"`
	Customer string      `json:"customer"`
	Note     string      `json:"note"`
	Version  string      `json:"version"`
	Total    amount      `json:"total"`
	Lines    listOf[row] `json:"lines"`
}

type row struct {
	Account string `json:"account"`
	Text    string `json:"text"`
	Amount  amount `json:"amount"`
}

// amount keeps the text of a number.
type amount string

// UnmarshalJSON takes a number or a text of one.
func (a *amount) UnmarshalJSON(raw []byte) error {
	*a = amount(bytes.Trim(raw, `"`))
	return nil
}

// listOf is a list, or the one element of a list, or a list under "line" as XML
// has it.
type listOf[T any] []T

// UnmarshalJSON takes any of them.
func (l *listOf[T]) UnmarshalJSON(raw []byte) error {
	switch {
	case len(raw) > 0 && raw[0] == '[':
		return json.Unmarshal(raw, (*[]T)(l))
	case len(raw) > 0 && raw[0] == '{':
		var inside struct {
			Line json.RawMessage `json:"line"`
		}
		if err := json.Unmarshal(raw, &inside); err == nil && inside.Line != nil {
			return l.UnmarshalJSON(inside.Line)
		}
		var one T
		err := json.Unmarshal(raw, &one)
		*l = []T{one}
		return err
	}
	return nil
}

// decode reads the body of a request.
func decode(r *http.Request, body []byte) (sent, error) {
	var in sent
	if xmlIn(r) {
		text, err := rows.XMLDocument(bytes.NewReader(body), connectors.DefaultLimits())
		if err != nil {
			return in, errors.New("the body is no XML")
		}
		var root map[string]json.RawMessage
		if err := json.Unmarshal(text, &root); err != nil {
			return in, err
		}
		for _, inside := range root {
			body = inside
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return in, fmt.Errorf("the body is not a document: %w", err)
	}
	return in, nil
}

func xmlIn(r *http.Request) bool {
	return bytes.Contains([]byte(r.Header.Get("Content-Type")), []byte("xml"))
}

// process carries out a request.
func (s *Server) process(p place, r *http.Request, body []byte) reply {
	if p.verb == "void" {
		return s.void(p, r)
	}
	in, err := decode(r, body)
	if err != nil {
		return problem(http.StatusBadRequest, "unreadable", err.Error())
	}
	d, bad := s.check(p, &in)
	if bad != nil {
		return *bad
	}
	if p.id == "" {
		if len(s.papers) >= maxKept {
			return problem(http.StatusInsufficientStorage, "full", "there is no room for more documents")
		}
		d.ID, d.Version = strconv.Itoa(len(s.papers)+1001), "0"
		s.papers = append(s.papers, &d)
		return reply{status: http.StatusCreated, document: &d}
	}
	old := s.at(p)
	version := in.Version
	if version == "" {
		version = r.Header.Get("If-Match")
	}
	if bad := current(old, p, version); bad != nil {
		return *bad
	}
	d.ID, d.Version = old.ID, after(old.Version)
	*old = d
	return reply{status: http.StatusOK, document: old}
}

func after(version string) string {
	n, _ := strconv.Atoi(version)
	return strconv.Itoa(n + 1)
}

// current refuses a change to a document that is not there, was voided, or has
// another version.
func current(d *Document, p place, version string) *reply {
	var bad reply
	switch {
	case d == nil:
		bad = problem(http.StatusNotFound, "gone", "there is no document "+p.id)
	case d.Voided:
		bad = problem(http.StatusUnprocessableEntity, "voided", "the document was voided")
	case version != d.Version:
		bad = problem(http.StatusConflict, "stale", fmt.Sprintf("the document has version %s, not %q", d.Version, version))
	default:
		return nil
	}
	return &bad
}

func (s *Server) void(p place, r *http.Request) reply {
	d := s.at(p)
	if d != nil && d.Voided {
		return reply{status: http.StatusOK, document: d}
	}
	if bad := current(d, p, r.Header.Get("If-Match")); bad != nil {
		return *bad
	}
	if s.closed != "" && d.Date <= s.closed {
		return problem(http.StatusUnprocessableEntity, "closed_period", "the books are closed until "+s.closed)
	}
	d.Voided, d.Version = true, after(d.Version)
	return reply{status: http.StatusOK, document: d}
}

// check makes a document of what was sent, or says what is wrong with it.
func (s *Server) check(p place, in *sent) (Document, *reply) {
	d := Document{Company: p.company, Kind: p.kind, Number: in.Number, Date: in.Date, Customer: in.Customer, Note: in.Note}
	wrong := func(code, text string) (Document, *reply) {
		bad := problem(http.StatusUnprocessableEntity, code, text)
		return d, &bad
	}
	if in.Number == "" {
		return wrong("invalid", "number is missing")
	}
	for _, other := range s.papers {
		if other.Company == p.company && other.Kind == p.kind && other.Number == in.Number && other.ID != p.id {
			bad := problem(http.StatusConflict, "duplicate", fmt.Sprintf("number %q is used by document %s", in.Number, other.ID))
			return d, &bad
		}
	}
	if p.kind == "customers" {
		return d, nil
	}
	if _, err := time.Parse(time.DateOnly, in.Date); err != nil {
		return wrong("invalid", "date is not YYYY-MM-DD")
	}
	if s.closed != "" && in.Date <= s.closed {
		return wrong("closed_period", "the books are closed until "+s.closed)
	}
	if in.Customer == "" && p.kind != "journals" {
		return wrong("invalid", "customer is missing")
	}
	if text := d.add(in); text != "" {
		return wrong("invalid", text)
	}
	return d, nil
}

// add adds the amounts up, and says what is wrong with them.
func (d *Document) add(in *sent) string {
	var err error
	if in.Total != "" {
		if d.Total, err = decimal.Parse(string(in.Total)); err != nil {
			return fmt.Sprintf("total %q is no amount", in.Total)
		}
	}
	var sum decimal.Decimal
	for _, l := range in.Lines {
		line := Line{Account: l.Account, Text: l.Text}
		if line.Amount, err = decimal.Parse(string(l.Amount)); err != nil {
			return fmt.Sprintf("amount %q is no amount", l.Amount)
		}
		sum = sum.Add(line.Amount)
		d.Lines = append(d.Lines, line)
	}
	switch {
	case d.Kind == "journals" && sum.Sign() != 0:
		return "the journal does not balance: it is off by " + sum.String()
	case d.Kind != "journals" && len(in.Lines) > 0 && sum.Cmp(d.Total) != 0:
		return fmt.Sprintf("the lines add up to %s and not to %s", sum, d.Total)
	}
	return ""
}
