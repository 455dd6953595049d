package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/schemas/document"
)

// bellTime is how long the store may take to note an event.
const bellTime = 10 * time.Second

// openAlerts makes the bell that rings and the courier that delivers.
func (s *server) openAlerts(ctx context.Context) {
	s.courier = alert.NewCourier(s.keeper, alert.CourierOptions{Clock: s.Clock, Targets: s.target,
		Web: web.Options{UserAgent: "tieout/" + s.Version}, Group: s.Group, Project: s.shelf.name(), Environment: s.Environment,
		Zone: s.shelf.zone(), Log: s.Log})
	s.bell = alert.NewBell(s.keeper, alert.BellOptions{Now: s.Clock.Now, Redact: s.shelf.redact, Posted: s.courier.Wake, Log: s.Log,
		Remind: func(name string) time.Duration {
			t, err := s.target(name)
			if err != nil {
				return 0
			}
			return t.Remind
		},
		Destinations: func(name string) []string {
			// As written: a secret that cannot be found now may be found when
			// the letter is delivered.
			t, _ := s.shelf.project().Workspace.Project.Alerts.Get(name)
			return targetOf(t).Destinations()
		}})
	for _, name := range s.shelf.project().Workspace.Project.Alerts.Keys() {
		if _, err := s.target(name); err != nil {
			s.Log.Error("an alert target cannot be used", "target", name, "code", string(document.CodeRunAlert), "error", err)
		}
	}
	if err := s.bell.Load(ctx); err != nil {
		s.Log.Error("read open alerts", "error", err)
	}
}

func targetOf(t pipelines.AlertTarget) alert.Target {
	return alert.Target{Slack: t.Slack, GoogleChat: t.GoogleChat, Webhook: t.Webhook, Remind: t.Remind.Std()}
}

// target resolves a target of tieout.yaml.
func (s *server) target(name string) (alert.Target, error) {
	p := s.shelf.project()
	if _, ok := p.Workspace.Project.Alerts.Get(name); !ok {
		return alert.Target{}, fmt.Errorf("%w: %q", alert.ErrNoTarget, name)
	}
	t, err := p.Workspace.Alert(name)
	if err != nil {
		return alert.Target{}, err
	}
	return targetOf(t), nil
}

// undelivered counts the alerts that wait, -1 when the store does not tell.
func (s *server) undelivered() int {
	ctx, stop := context.WithTimeout(context.Background(), bellTime)
	defer stop()
	u, err := s.keeper.Undelivered(ctx, s.Clock.Now())
	if err != nil {
		return -1
	}
	return u.Waiting
}

// ring raises an alert about a slot that ended badly.
func (s *server) ring(slot schedule.Slot, o schedule.Outcome, kind alert.Kind) {
	b := s.shelf.find(slot.Pipeline)
	if b == nil {
		return
	}
	e := alert.Event{Kind: kind, Pipeline: slot.Pipeline, RunID: slot.RunID, Slot: slot.Nominal, Local: slot.Local, Code: codeOf(o), Message: slot.Reason}
	e.Hint = "tieout validate " + b.file
	if slot.RunID != "" {
		e.Hint = "tieout runs show " + slot.RunID
	}
	s.post(b, e)
}

func (s *server) post(b *book, e alert.Event) {
	e.Target, e.Owner, e.At = b.pipeline.Notify.Value, b.pipeline.Owner, s.Clock.Now()
	if table := b.pipeline.Timetable(); table != nil {
		e.Next, _ = table.Next(e.At)
	}
	ctx, stop := context.WithTimeout(context.Background(), bellTime)
	defer stop()
	if err := s.bell.Ring(ctx, e); err != nil {
		s.Log.Error("raise an alert", "pipeline", e.Pipeline, "kind", string(e.Kind), "error", err)
	}
}

func (s *server) clear(pipeline string, kinds []alert.Kind, runID string, at time.Time) {
	ctx, stop := context.WithTimeout(context.Background(), bellTime)
	defer stop()
	if err := s.bell.Clear(ctx, pipeline, kinds, runID, at); err != nil {
		s.Log.Error("end an alert", "pipeline", pipeline, "error", err)
	}
}
