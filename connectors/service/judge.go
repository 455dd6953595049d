package service

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/record"
)

// judge says what the replies of one connection mean: the first of its rules
// that fits, else what is usual.
type judge struct {
	rules   []Reply
	world   *world // config and the reply
	soap    bool
	request string // header that names a request
	secrets []string
	limits  connectors.Limits
}

func newJudge(c *Connection, limits connectors.Limits) (*judge, error) {
	j := &judge{rules: c.Replies, world: new(world), soap: c.soap != nil, request: c.RequestID.Value, secrets: c.secrets(), limits: limits}
	j.world.change("reply", "status").kind = record.Integer
	j.world.change("reply", "headers")
	j.world.change("reply", "body")
	j.world.change("reply", "text")
	return j, j.world.configure(c)
}

// verdict is what one reply means.
type verdict struct {
	is      string
	wait    time.Duration // throttled: as told, capped; 0 when not told
	asked   time.Duration // throttled: as told
	most    time.Duration
	message string
	ruled   bool   // a rule said so
	fault   bool   // it is an error by the rules of its protocol, whatever its status
	request string // what the service calls the request
}

// first judges a reply by its status and headers, and by its first bytes where
// a rule asks for them.
func (j *judge) first(p *page, now time.Time) (verdict, error) {
	fine := usual(p.stream.Status) == isOK
	reads := !fine
	for i := range j.rules {
		reads = reads || j.rules[i].fits(p.stream.Status) && j.rules[i].readsBody()
	}
	if reads {
		if err := p.look(); err != nil && fine {
			return verdict{}, err
		}
	}
	body := j.parse(p)
	for i := range j.rules {
		r := &j.rules[i]
		if !r.fits(p.stream.Status) {
			continue
		}
		if r.reads("body") && !p.whole {
			p.late = p.late || fine
			continue
		}
		if v, fits, err := j.ask(r, p, body, now); fits || err != nil {
			return v, err
		}
	}
	v := verdict{is: usual(p.stream.Status), asked: p.stream.RetryAfter, most: defaultWaitMax, request: j.requestID(p)}
	v.wait = min(v.asked, v.most)
	if text := j.fault(body); text != "" && v.is != isThrottled && v.is != isRefresh {
		v.is, v.message, v.fault = isStop, text, true
	}
	return v, nil
}

// last judges a reply that has arrived as a whole, by what it says beside its
// records.
func (j *judge) last(p *page, beside []byte, now time.Time) (verdict, error) {
	if p.late {
		for i := range j.rules {
			r := &j.rules[i]
			if !r.fits(p.stream.Status) || !r.reads("body") {
				continue
			}
			if v, fits, err := j.ask(r, p, beside, now); fits || err != nil {
				return v, err
			}
		}
	}
	v := verdict{is: isOK, request: j.requestID(p)}
	if text := j.fault(beside); text != "" {
		v.is, v.message, v.fault = isStop, text, true
	}
	return v, nil
}

// parse gives the body of a reply that was looked at as JSON, nil when it is
// not known as a whole or is neither JSON nor XML.
func (j *judge) parse(p *page) []byte {
	if !p.whole || len(p.head) == 0 {
		return nil
	}
	return asJSON(p.head, j.limits)
}

// ask asks one rule about a reply.
func (j *judge) ask(r *Reply, p *page, body []byte, now time.Time) (verdict, bool, error) {
	j.show(r, p, body)
	if r.If.set() {
		holds, err := j.world.holds(&r.If.formula)
		if err != nil || !holds {
			return verdict{}, false, err
		}
	}
	v := verdict{is: r.Is, most: defaultWaitMax, ruled: true, request: j.requestID(p)}
	if r.WaitMax > 0 {
		v.most = r.WaitMax.Std()
	}
	v.asked = r.told(p.stream, now)
	v.wait = min(v.asked, v.most)
	if r.Message.set() {
		a, err := j.world.eval(&r.Message.formula)
		if err != nil {
			return v, true, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		v.message = j.clean(a.text)
	}
	if v.message == "" {
		v.message = j.fault(body)
	}
	return v, true, nil
}

// show tells the world what a rule looks at.
func (j *judge) show(r *Reply, p *page, body []byte) {
	j.world.change("reply", "status").setNum(record.Integer, int64(p.stream.Status))
	text := j.world.change("reply", "text")
	if text.none(); r.reads("text") {
		text.setText(string(p.head))
	}
	for _, f := range []*formula{&r.If.formula, &r.Message.formula} { // what cannot be seen is not there, and makes the rule untrue
		for _, path := range f.paths {
			_ = j.world.see(path, p.stream.Header, body, j.around())
		}
	}
}

// around is how many elements around the body paths may leave out.
func (j *judge) around() int {
	if j.soap {
		return soapAround
	}
	return 1
}

func (j *judge) requestID(p *page) string {
	if j.request == "" {
		return ""
	}
	return j.clean(p.stream.Header.Get(j.request))
}

// fault is what a reply that is an error by the rules of its protocol says: a
// fault of SOAP, or the errors of GraphQL and of JSON:API.
func (j *judge) fault(body []byte) string {
	if body == nil {
		return ""
	}
	if j.soap {
		return j.clean(soapFault(body))
	}
	list := below(body, []string{"errors"})
	if len(list) < 2 || list[0] != '[' || strings.TrimSpace(string(list[1:len(list)-1])) == "" || !graph(body) {
		return ""
	}
	var b branch
	if err := b.setJSON(below(list, []string{"message"})); err != nil || !b.has || b.kind != record.Text {
		return "the reply lists errors beside its data"
	}
	return j.clean(b.text)
}

// graph reports whether a reply that lists errors holds data beside them, or
// nothing.
func graph(body []byte) bool {
	alone := true
	_ = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		alone = alone && (string(key) == "errors" || string(key) == "extensions")
		return d.Skip()
	})
	return alone || rows.Member(body, "data") != nil
}

const messageMost = 300 // characters

// clean is what a service wrote as it may be shown: short, on one line and
// without the secrets that were sent.
func (j *judge) clean(text string) string {
	for _, secret := range j.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > messageMost {
		text = string(runes[:messageMost]) + "…"
	}
	return text
}

// absurd says that the service asked to wait for longer than it is given.
func (v *verdict) absurd() string {
	if v.asked <= v.most {
		return ""
	}
	return fmt.Sprintf(" and asked to wait for %v, of which %v is waited at once (wait_max)", v.asked, v.most)
}

// refusal is the error of a reply that ends the read.
func (v *verdict) refusal(status int, moved string) error {
	kind, text := errUnlike, fmt.Sprintf("the service answered with status %d", status)
	if name := http.StatusText(status); name != "" {
		text += " (" + name + ")"
	}
	if v.message != "" {
		text += fmt.Sprintf(" and said %q", v.message)
	}
	switch {
	case v.fault && !v.ruled && status != http.StatusUnauthorized && status != http.StatusForbidden:
		kind, text = errReply, text+", which is an error by the rules of its protocol; replies: of the connection can say what it means"
	case v.is == isRefresh, v.is == isStop && v.ruled, status == http.StatusUnauthorized:
		kind, text = errCredentials, text+"; check the credentials under auth of the connection"
	case status == http.StatusForbidden:
		kind, text = errCredentials, text+"; the credentials do not allow this"
	case status == http.StatusPartialContent:
		kind, text = errReply, text+": it sent a part of the reply only, and nobody asked for a part"
	case moved != "":
		kind = web.ErrRefused
		text += ", which leads to " + moved + "; redirections are not followed, so write the address it leads to as base_url"
	case v.is == isMaintenance:
		kind, text = connectors.ErrEnvironment, text+"; the service is being maintained, so run it again later"
	case v.is == isBug:
		text += "; the request is wrong, so check request: of the stream"
	case v.ruled && v.is != isRetry && v.is != isUnknown && v.is != isThrottled && v.is != isStop:
		text += "; replies: of the connection calls this " + v.is
	case status >= 500, v.is == isRetry, v.is == isUnknown, v.is == isThrottled:
		kind = connectors.ErrEnvironment
	}
	if v.request != "" {
		text += fmt.Sprintf(" (request %q)", v.request)
	}
	return fmt.Errorf("%w: %s", kind, text)
}
