package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) outboxCommand() *cobra.Command {
	return a.noun("outbox", "Documents for services: what is still to be sent, and what is not known", "  tieout outbox list\n  tieout outbox resolve K4ZX7Q --taken 1042",
		a.outboxListCommand(), a.outboxResolveCommand())
}

func (a *app) outboxListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List documents that have no outcome yet",
		Example: "  tieout outbox list -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.outboxList(cmd.Context(), limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", 1000, "how many at most")
	return cmd
}

// openDelivery is a document without an outcome.
type openDelivery struct {
	Intent    string `json:"intent"`
	Pipeline  string `json:"pipeline"`
	To        string `json:"to"`
	Key       string `json:"key"`
	Operation string `json:"operation"`
	Status    string `json:"status"`
	Attempts  int    `json:"attempts"`
	SentAt    string `json:"sent_at"`
	Reason    string `json:"reason"`
	RequestID string `json:"request_id"`
	RunID     string `json:"run_id"`
}

func (a *app) outboxList(ctx context.Context, limit int) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list := []openDelivery{}
	err = a.looking(ctx, p, func(store *state.Store) error {
		found, err := store.Deliveries().Unsettled(ctx, p.Workspace.Project.Project.Value, a.environment, limit)
		for i := range found {
			one := &found[i]
			list = append(list, openDelivery{Intent: one.IntentKey, Pipeline: one.Pipeline, To: one.To, Key: one.Key, Operation: string(one.Operation),
				Status: string(one.Status), Attempts: one.Attempts, SentAt: when(one.SentAt), Reason: one.Reason, RequestID: one.RequestID, RunID: one.RunID})
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"open": list}, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "Every document that was to be sent has an outcome.")
			return
		}
		var rows [][]string
		for i := range list {
			d := &list[i]
			rows = append(rows, []string{d.Intent[:8], d.Pipeline, d.To, short(d.Key, 30), d.Operation, d.Status, d.SentAt, short(d.Reason, 60)})
		}
		table(w, []string{"intent", "pipeline", "to", "key", "operation", "status", "sent", "why"}, rows)
		fmt.Fprintf(w, "Next: tieout run %s  (asks the service again, where it can be asked; else look there, then\n      tieout outbox resolve %s --taken ID, or --not-taken)\n", list[0].Pipeline, list[0].Intent[:8])
	})
}

func (a *app) outboxResolveCommand() *cobra.Command {
	var taken, version string
	var lost bool
	cmd := &cobra.Command{
		Use:   "resolve INTENT (--taken ID | --not-taken)",
		Short: "Say what became of a document, after you looked it up in the service",
		Example: `  tieout outbox resolve K4ZX7Q --taken 1042
  tieout outbox resolve K4ZX7Q --not-taken`,
		Args: exactly("the beginning of the intent's key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (taken != "") == lost {
				return usage(errors.New("say what became of the document"), "write --taken with what the service calls it, or --not-taken")
			}
			return a.outboxResolve(cmd.Context(), args[0], taken, version)
		},
	}
	cmd.Flags().StringVar(&taken, "taken", "", "the service has it, and calls it this")
	cmd.Flags().StringVar(&version, "version", "", "with --taken: the version the service shows, where it wants one")
	cmd.Flags().BoolVar(&lost, "not-taken", false, "the service does not have it; the next run sends it")
	return cmd
}

func (a *app) outboxResolve(ctx context.Context, key, taken, version string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	project := p.Workspace.Project.Project.Value
	var i delivery.Intent
	err = a.withState(ctx, p, func(store *state.Store) error {
		d := store.Deliveries()
		if i, err = d.Intent(ctx, project, a.environment, strings.ToUpper(key)); err != nil {
			return err
		}
		release, err := store.Lock(ctx, project, a.environment, i.Pipeline)
		if err != nil {
			return err
		}
		defer release()
		if i, err = d.Intent(ctx, project, a.environment, i.IntentKey); err != nil {
			return err
		}
		if i.Status == delivery.Planned {
			return usage(fmt.Errorf("%s %q is planned and was not sent, so nothing can have become of it", i.To, i.Key),
				"`tieout run "+i.Pipeline+"` sends it; what can be resolved is a document that was sent and has no outcome")
		}
		i.Resolve(connectors.Delivery{ID: taken, Version: version}, taken != "", "said by "+a.actor(), a.Now())
		return d.Mark(ctx, &i)
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"intent": i.IntentKey, "status": i.Status, "pipeline": i.Pipeline, "key": i.Key}, func(w io.Writer) {
		fmt.Fprintf(w, "%s %q of %s is %s\n", i.To, i.Key, i.Pipeline, i.Status)
		fmt.Fprintf(w, "Next: tieout run %s\n", i.Pipeline)
	})
}
