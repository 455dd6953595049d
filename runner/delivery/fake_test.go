package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// kind is what a service can do.
type kind struct {
	traits connectors.Traits
	// unique says that it refuses a second document of a number, versions that
	// a change must name the last version, nameless that it tells no ids.
	unique, versions, nameless bool
}

// paper is one document in the service.
type paper struct {
	id, number, amount string
	version            int
	mark               string // of whoever made it
	ours               bool
	taken              time.Time
}

// kept is what the service remembers of a key.
type kept struct {
	body  string
	reply connectors.Delivery
	at    time.Time
}

// service is a service in memory. It refuses amounts that end in .13.
type service struct {
	kind
	now    func() time.Time
	papers []*paper
	keys   map[string]kept
	sent   int
	fault  func(where string) string // "" for none
	busy   func()                    // called while a document is taken
	narrow bool                      // keys count for new documents alone, and nobody tells versions
}

func newService(k kind, now func() time.Time) *service {
	return &service{kind: k, now: now, keys: make(map[string]kept), fault: func(string) string { return "" }}
}

func (s *service) Traits(string) (connectors.Traits, error) { return s.traits, nil }

func (s *service) Open(context.Context, connectors.Load) (connectors.Outlet, error) {
	return &outlet{s}, nil
}

type outlet struct{ *service }

func (o *outlet) Close() error { return nil }

func (o *outlet) Ready(context.Context) error {
	if o.fault("ready") == "down" {
		return fmt.Errorf("%w: no token", connectors.ErrEnvironment)
	}
	return nil
}

var errCut = errors.New("the connection ended before the reply")

// Send takes a document, or does what the fault says.
func (o *outlet) Send(_ context.Context, d connectors.Document) (connectors.Delivery, error) {
	o.sent++
	if o.busy != nil {
		o.busy()
	}
	switch o.fault("send") {
	case "down":
		return connectors.Delivery{}, fmt.Errorf("%w: nobody listens", connectors.ErrNotSent)
	case "lost before":
		return connectors.Delivery{}, errCut
	case "lost after":
		o.take(d)
		return connectors.Delivery{}, errCut
	case "500 before":
		return connectors.Delivery{Outcome: connectors.Unknown, Reason: "500"}, nil
	case "500 after":
		o.take(d)
		return connectors.Delivery{Outcome: connectors.Unknown, Reason: "500"}, nil
	case "later":
		return connectors.Delivery{Outcome: connectors.Later, Wait: time.Minute}, nil
	}
	return o.take(d), nil
}

// take is the service in good health.
func (s *service) take(d connectors.Document) connectors.Delivery {
	body := fmt.Sprint(d.Operation, d.ID, d.Version, string(d.Record))
	if s.narrow && d.Operation != connectors.Create {
		return s.process(d)
	}
	if k, known := s.keys[d.IntentKey]; known && s.traits.KeyLife > 0 && s.now().Sub(k.at) < s.traits.KeyLife {
		if k.body != body {
			return connectors.Delivery{Outcome: connectors.Refused, Reason: "the key was used for other bytes"}
		}
		k.reply.Replayed = true
		return k.reply
	}
	r := s.process(d)
	if s.traits.KeyLife > 0 {
		s.keys[d.IntentKey] = kept{body, r, s.now()}
	}
	return r
}

func (s *service) process(d connectors.Document) connectors.Delivery {
	var rec struct{ ID, Amount json.RawMessage }
	if err := json.Unmarshal(d.Record, &rec); err != nil {
		return connectors.Delivery{Outcome: connectors.Refused, Reason: err.Error()}
	}
	number, amount := string(rec.ID), strings.Trim(string(rec.Amount), `"`)
	if strings.HasSuffix(amount, ".13") {
		return connectors.Delivery{Outcome: connectors.Refused, Reason: "sink.refused: no good amount"}
	}
	if d.Operation == connectors.Create {
		if s.unique && s.numbered(number) != nil {
			return connectors.Delivery{Outcome: connectors.Duplicate}
		}
		p := &paper{id: strconv.Itoa(len(s.papers) + 1), number: number, amount: amount, version: 1, mark: d.Mark, ours: true, taken: s.now()}
		s.papers = append(s.papers, p)
		return s.reply(p)
	}
	p := s.byID(d.ID)
	if s.nameless {
		p = s.numbered(number)
	}
	switch {
	case p == nil:
		return connectors.Delivery{Outcome: connectors.Refused, Reason: "gone"}
	case s.versions && d.Version != strconv.Itoa(p.version):
		if s.narrow {
			return connectors.Delivery{Outcome: connectors.Stale}
		}
		return connectors.Delivery{Outcome: connectors.Stale, Version: strconv.Itoa(p.version)}
	}
	p.amount = amount
	p.version++
	return s.reply(p)
}

func (s *service) reply(p *paper) connectors.Delivery {
	d := connectors.Delivery{Outcome: connectors.Confirmed, ID: p.id}
	if s.versions {
		d.Version = strconv.Itoa(p.version)
	}
	if s.nameless {
		d.ID = ""
	}
	return d
}

func (s *service) numbered(number string) *paper {
	for _, p := range s.papers {
		if p.number == number {
			return p
		}
	}
	return nil
}

func (s *service) byID(id string) *paper {
	for _, p := range s.papers {
		if p.id == id {
			return p
		}
	}
	return nil
}

// Find finds what was taken longer ago than the delay.
func (o *outlet) Find(_ context.Context, d connectors.Document) (connectors.Delivery, bool, error) {
	switch o.fault("find") {
	case "down":
		return connectors.Delivery{}, false, fmt.Errorf("%w: nobody listens", connectors.ErrEnvironment)
	case "odd":
		return connectors.Delivery{Outcome: connectors.Unknown, Reason: "it cannot be looked up"}, true, nil
	}
	if d.ID != "" {
		if p := o.byID(d.ID); p != nil {
			return o.reply(p), true, nil
		}
		return connectors.Delivery{}, false, nil
	}
	var rec struct{ ID json.RawMessage }
	if err := json.Unmarshal(d.Record, &rec); err != nil {
		return connectors.Delivery{}, false, err
	}
	var found []*paper
	for _, p := range o.papers {
		if p.number == string(rec.ID) && o.now().Sub(p.taken) >= o.traits.FindDelay {
			if o.traits.Marks && p.mark == d.Mark {
				return o.reply(p), true, nil
			}
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return connectors.Delivery{}, false, nil
	case o.traits.Marks:
		r := o.reply(found[0])
		r.Foreign = true
		return r, true, nil
	case len(found) > 1:
		return connectors.Delivery{Outcome: connectors.Unknown, Reason: "there are several"}, true, nil
	}
	return o.reply(found[0]), true, nil
}
