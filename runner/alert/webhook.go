package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// The body of a plain webhook, a stable contract: keys are added and never
// change or go away within a version.
//
//	{"version": 1, "project": "maple-court", "environment": "production",
//	 "events": [{"id": "…", "kind": "failed", "pipeline": "rent_roll", …}]}
//
// Times are RFC 3339 in UTC but for local; a key without a value is left out.
// Deliveries come at least once: the header Idempotency-Key is the same for
// the same events, and an event's id for the same event, whatever message it
// comes in. Any 2xx says it was taken; 429 (Retry-After is honoured), 408, 425
// and 5xx are tried again for about a day, any other status is given up.
type webhookMessage struct {
	Version     int            `json:"version"`
	Project     string         `json:"project"`
	Environment string         `json:"environment,omitempty"`
	Events      []webhookEvent `json:"events"`
}

// webhookEvent is one event of a message.
type webhookEvent struct {
	ID       string    `json:"id"`   // the same whenever the event is sent again
	Kind     Kind      `json:"kind"` // failed, blocked, late or resolved
	Pipeline string    `json:"pipeline"`
	Target   string    `json:"target"` // name under alerts
	Code     string    `json:"code,omitempty"`
	Message  string    `json:"message"`
	RunID    string    `json:"run_id,omitempty"`
	Slot     time.Time `json:"slot,omitzero"`   // nominal instant
	Local    string    `json:"local,omitempty"` // the slot in its zone
	At       time.Time `json:"at"`
	Since    time.Time `json:"since"`   // when the trouble began
	Repeats  int       `json:"repeats"` // how often since the message before
	Owner    string    `json:"owner,omitempty"`
	Next     time.Time `json:"next,omitzero"`     // when it runs next
	Command  string    `json:"command,omitempty"` // what to look at
}

// webhookBody renders all letters.
func webhookBody(from Place, letters []Letter) []byte {
	m := webhookMessage{Version: 1, Project: from.Project, Environment: from.Environment, Events: make([]webhookEvent, len(letters))}
	for i, l := range letters {
		e := l.Event
		m.Events[i] = webhookEvent{ID: letterKey(from, l), Kind: e.Kind, Pipeline: e.Pipeline, Target: e.Target, Code: e.Code, Message: e.Message,
			RunID: e.RunID, Slot: utc(e.Slot), Local: e.Local, At: utc(e.At), Since: utc(l.Since), Repeats: l.Repeats,
			Owner: e.Owner, Next: utc(e.Next), Command: command(e)}
	}
	return encode(m)
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// letterKey identifies a letter for its receiver. The time is part of it,
// because a state store that was made anew counts from 1 again.
func letterKey(from Place, l Letter) string {
	return digest(fmt.Sprintf("%q %q %q %d %d", from.Project, from.Environment, l.Target, l.ID, l.CreatedAt.UnixMicro()))
}

// messageKey identifies a group of letters.
func messageKey(from Place, letters []Letter) string {
	var all []byte
	for _, l := range letters {
		all = append(all, letterKey(from, l)...)
	}
	return digest(string(all))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
