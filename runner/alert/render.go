package alert

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors/web"
)

// maxShown is how many letters a message for people holds; it says how many
// more there are.
const maxShown = 20

// Place is where messages come from: what they show beside their letters.
type Place struct {
	Project     string
	Environment string
	Zone        *time.Location // nil is UTC
}

func (p Place) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// String gives "project, environment".
func (p Place) String() string {
	if p.Environment == "" {
		return p.Project
	}
	return p.Project + ", " + p.Environment
}

// Preview gives the body that would be sent to a destination (ToSlack,
// ToGoogleChat, ToWebhook) for letters, without sending it; nil for no letters
// and for any other destination.
func Preview(kind string, from Place, letters []Letter) []byte {
	if len(letters) == 0 {
		return nil
	}
	switch kind {
	case ToSlack:
		return slackBody(from, letters)
	case ToGoogleChat:
		return chatBody(from, letters)
	case ToWebhook:
		return webhookBody(from, letters)
	}
	return nil
}

// request makes the exchange that delivers a parcel. Errors hold no part of
// the URL.
func (c *Courier) request(p parcel) (web.Request, error) {
	from := Place{Project: c.o.Project, Environment: c.o.Environment, Zone: c.o.Zone}
	r := web.Request{Method: http.MethodPost, URL: p.url, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}}
	r.Body = Preview(p.kind, from, p.letters)
	switch p.kind {
	case ToGoogleChat:
		threaded, err := chatURL(p.url)
		if err != nil {
			return web.Request{}, err
		}
		r.URL = threaded
	case ToWebhook:
		r.Header.Set("Idempotency-Key", messageKey(from, p.letters))
	}
	return r, nil
}

// encode writes JSON as it is read by people too: &, < and > stay.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("encode a message: %v", err)) // structs of texts always can be
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// first gives the letters a message for people shows, troubles before ends of
// troubles, and how many it leaves out.
func first(letters []Letter, most int) (shown []Letter, more int) {
	shown = slices.Clone(letters)
	slices.SortStableFunc(shown, func(a, b Letter) int { return cmp.Compare(rank(a), rank(b)) })
	if len(shown) > most {
		return shown[:most], len(shown) - most
	}
	return shown, 0
}

func rank(l Letter) int {
	if l.Event.Kind == Resolved {
		return 1
	}
	return 0
}

// says is what a letter says of its pipeline: "failed".
func says(l Letter) string {
	if l.Repeats > 0 && l.Event.Kind != Resolved {
		return fmt.Sprintf("is still %s (%s since the last message)", state(l.Event.Kind), times(l.Repeats))
	}
	switch l.Event.Kind {
	case Failed:
		return "failed"
	case Blocked:
		return "was blocked by its gate"
	case Late:
		return "is late"
	case Resolved:
		return "resolved"
	}
	return string(l.Event.Kind)
}

func state(k Kind) string {
	if k == Failed {
		return "failing"
	}
	return string(k)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// summary is a message in one line.
func summary(from Place, letters []Letter) string {
	if len(letters) == 1 {
		return fmt.Sprintf("%s %s (%s)", cut(letters[0].Event.Pipeline, maxName), says(letters[0]), from)
	}
	count := map[Kind]int{}
	for _, l := range letters {
		count[l.Event.Kind]++
	}
	var parts []string
	for _, k := range []Kind{Failed, Blocked, Late, Resolved} {
		if count[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[k], k))
		}
	}
	return fmt.Sprintf("Pipelines: %s (%s)", strings.Join(parts, ", "), from)
}

// detail is one labelled fact of a letter.
type detail struct{ label, value string }

// details lists what is known of a letter beside its message.
func details(from Place, l Letter) []detail {
	e := l.Event
	slot := e.Local
	if slot == "" {
		slot = instant(e.Slot, from)
	}
	since := ""
	if e.Kind != Resolved && l.Since.Before(e.At) {
		since = instant(l.Since, from)
	}
	var list []detail
	for _, d := range []detail{
		{"code", e.Code}, {"run", e.RunID}, {"slot", slot}, {"since", since},
		{"next run", instant(e.Next, from)}, {"owner", e.Owner},
	} {
		if d.value != "" {
			list = append(list, detail{d.label, cut(d.value, maxName)})
		}
	}
	return list
}

// command is the next thing to type; "" after an end.
func command(e Event) string {
	switch {
	case e.Hint != "":
		return cut(e.Hint, maxName)
	case e.Kind == Resolved:
		return ""
	case e.RunID != "":
		return "tieout runs show " + e.RunID
	}
	return "tieout status " + e.Pipeline
}

// instant writes a time in the place's zone; "" for none.
func instant(t time.Time, from Place) string {
	if t.IsZero() {
		return ""
	}
	return t.In(from.zone()).Format("2006-01-02 15:04 MST")
}

// escape writes a text for Slack or a card, where & < > have a meaning, in no
// more than a number of characters and without cutting an entity.
func escape(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		piece := string(r)
		switch r {
		case '&':
			piece = "&amp;"
		case '<':
			piece = "&lt;"
		case '>':
			piece = "&gt;"
		}
		size := 1
		if len(piece) > 3 && piece[0] == '&' {
			size = len(piece)
		}
		if n+size > most-1 {
			return b.String() + "…"
		}
		n += size
		b.WriteString(piece)
	}
	return b.String()
}
