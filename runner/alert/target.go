package alert

import (
	"errors"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/document"
)

// The destinations a target may have, as they are written in tieout.yaml.
const (
	ToSlack      = "slack"
	ToGoogleChat = "google_chat"
	ToWebhook    = "webhook"
)

// DefaultRemind is how long repeats of an incident are held back where a
// target does not say.
const DefaultRemind = 24 * time.Hour

// ErrNoTarget is what CourierOptions.Targets wraps when there is no target of
// a name any more. Other errors are taken to pass.
var ErrNoTarget = errors.New("no such target")

// Target is a named place that alerts go to: one or more destinations, each
// the secret URL of an incoming webhook.
type Target struct {
	Slack      document.Secret
	GoogleChat document.Secret
	Webhook    document.Secret
	// Remind is how long repeats are held back; 0 is DefaultRemind.
	Remind time.Duration
}

// Destinations lists those the target has, in a fixed order. A letter is
// posted for each, so that one that got it is not told again for the sake of
// another.
func (t Target) Destinations() []string {
	var list []string
	for _, kind := range []string{ToSlack, ToGoogleChat, ToWebhook} {
		if t.url(kind).Given() {
			list = append(list, kind)
		}
	}
	return list
}

func (t Target) url(kind string) document.Secret {
	switch kind {
	case ToSlack:
		return t.Slack
	case ToGoogleChat:
		return t.GoogleChat
	case ToWebhook:
		return t.Webhook
	}
	return document.Secret{}
}

// address joins a target and one of its destinations: Letter.Target.
func address(target, kind string) string { return target + "/" + kind }

// split undoes address.
func split(address string) (target, kind string) {
	i := strings.LastIndexByte(address, '/')
	return address[:max(0, i)], address[i+1:]
}
