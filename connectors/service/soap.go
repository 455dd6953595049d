package service

import (
	"crypto/sha1" //nolint:gosec // the digest WS-Security asks for
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors/rows"
)

// soapAround is how many elements may stand around the first name of a path in
// a reply of SOAP: Envelope, Body, the response, its result, and the root of a
// document inside.
const soapAround = 5

// SOAP is how a service of SOAP is spoken to.
type SOAP struct {
	version   string
	namespace string
	security  *Security
}

// operation is what a request asks for.
type operation struct {
	name      string
	namespace string
	action    string
	header    *Value
}

const (
	soap12      = "1.2"
	envelope11  = "http://schemas.xmlsoap.org/soap/envelope/"
	envelope12  = "http://www.w3.org/2003/05/soap-envelope"
	wsse        = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsu         = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	tokenType   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#"
	nonceType   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	nonceLength = 16
)

// envelope writes a request around the tree of its body, and the headers that
// go with it.
func (s *SOAP) envelope(w *world, r *Request, to http.Header, t tools) ([]byte, error) {
	op := r.soap
	space := envelope11
	if s.version == soap12 {
		space = envelope12
	}
	dst := []byte(`<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="` + space + `">`)
	dst, err := s.header(dst, w, op, t)
	if err != nil {
		return nil, err
	}
	name := op.namespace
	if name == "" {
		name = s.namespace
	}
	dst = append(dst, "<soap:Body><"+op.name...)
	if name != "" {
		if dst, err = appendEscaped(append(dst, ` xmlns="`...), name); err != nil {
			return nil, err
		}
		dst = append(dst, '"')
	}
	body := r.Body
	if body == nil {
		body = &Value{kind: mapping}
	}
	if dst, err = w.appendAttrs(dst, body); err != nil {
		return nil, err
	}
	if dst, err = w.appendContent(append(dst, '>'), body); err != nil {
		return nil, err
	}
	s.announce(to, op, name)
	return append(dst, "</"+op.name+"></soap:Body></soap:Envelope>"...), nil
}

// announce sets the headers that name the operation, where none are written.
func (s *SOAP) announce(to http.Header, op *operation, space string) {
	action := op.action
	if action == "" && space != "" {
		action = strings.TrimSuffix(space, "/") + "/" + op.name
	}
	kind := "text/xml; charset=utf-8"
	if s.version == soap12 {
		kind = "application/soap+xml; charset=utf-8"
		if action != "" {
			kind += `; action="` + action + `"`
		}
	} else if to.Get("SOAPAction") == "" {
		to.Set("SOAPAction", `"`+action+`"`)
	}
	if to.Get("Content-Type") == "" {
		to.Set("Content-Type", kind)
	}
}

func (s *SOAP) header(dst []byte, w *world, op *operation, t tools) ([]byte, error) {
	if s.security == nil && op.header == nil {
		return dst, nil
	}
	dst = append(dst, "<soap:Header>"...)
	var err error
	if s.security != nil {
		if dst, err = s.security.append(dst, t); err != nil {
			return nil, fmt.Errorf("security: %w", err)
		}
	}
	if op.header != nil {
		if dst, err = w.appendContent(dst, op.header); err != nil {
			return nil, err
		}
	}
	return append(dst, "</soap:Header>"...), nil
}

// append writes a UsernameToken of WS-Security.
func (s *Security) append(dst []byte, t tools) ([]byte, error) {
	dst = append(dst, `<wsse:Security soap:mustUnderstand="1" xmlns:wsse="`+wsse+`" xmlns:wsu="`+wsu+`"><wsse:UsernameToken><wsse:Username>`...)
	dst, err := appendEscaped(dst, s.User.Reveal())
	if err != nil {
		return nil, err
	}
	password, kind, rest := s.Password.Reveal(), "PasswordText", ""
	if s.Digest {
		nonce := make([]byte, nonceLength)
		for i := range nonce {
			nonce[i] = byte(t.random(1 << 8))
		}
		created := t.now().UTC().Format(time.RFC3339)
		sum := sha1.Sum([]byte(string(nonce) + created + password)) //nolint:gosec // as the standard has it
		password, kind = base64.StdEncoding.EncodeToString(sum[:]), "PasswordDigest"
		rest = `<wsse:Nonce EncodingType="` + nonceType + `">` + base64.StdEncoding.EncodeToString(nonce) + `</wsse:Nonce><wsu:Created>` + created + `</wsu:Created>`
	}
	dst = append(dst, `</wsse:Username><wsse:Password Type="`+tokenType+kind+`">`...)
	if dst, err = appendEscaped(dst, password); err != nil {
		return nil, err
	}
	return append(dst, `</wsse:Password>`+rest+`</wsse:UsernameToken></wsse:Security>`...), nil
}

// soapFault is what a fault in a reply says, "" when there is none.
func soapFault(body []byte) string {
	fault := find(body, []string{"Fault"}, 2)
	if fault == nil || jx.DecodeBytes(fault).Next() != jx.Object {
		return ""
	}
	part := func(path ...string) string {
		var b branch
		if raw := textIn(below(fault, path)); raw == nil || b.setJSON(raw) != nil {
			return ""
		}
		return b.text
	}
	code, text := part("faultcode"), part("faultstring")
	if code == "" {
		code = part("Code", "Value")
		if sub := part("Code", "Subcode", "Value"); sub != "" {
			code = sub
		}
	}
	if text == "" {
		text = part("Reason", "Text")
	}
	switch {
	case code == "" && text == "":
		return "a fault of SOAP that says nothing"
	case code == "":
		return text
	}
	return strings.TrimSuffix(code+": "+text, ": ")
}

// textIn is the text of an element of XML, also of one that has attributes.
func textIn(raw []byte) []byte {
	if text := rows.Member(raw, textKey); text != nil {
		return text
	}
	return raw
}
