package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors/sandbox/books"
)

func (a *app) sandboxCommand() *cobra.Command {
	return a.noun("sandbox", "Services that stand in for real ones, on this machine", "  tieout sandbox books --port 8085", a.sandboxBooksCommand())
}

func (a *app) sandboxBooksCommand() *cobra.Command {
	var port int
	var company, closed string
	cmd := &cobra.Command{
		Use:   "books",
		Short: "An accounting service to try pipelines on; it keeps its documents until it ends",
		Example: `  tieout sandbox books
  tieout sandbox books --port 8085 --closed 2026-09-30`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := time.Parse(time.DateOnly, closed); closed != "" && err != nil {
				return usage(fmt.Errorf("--closed %q is no date", closed), "write the last closed day as 2026-09-30")
			}
			if company == "" || strings.ContainsAny(company, "/?#%{} ") {
				return usage(fmt.Errorf("--company %q cannot stand in a path", company), "write a short name, such as acme")
			}
			return a.sandboxBooks(cmd.Context(), port, company, closed)
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "port on this machine; any that is free when not given")
	cmd.Flags().StringVar(&company, "company", "demo", "whose books the definition that is printed means")
	cmd.Flags().StringVar(&closed, "closed", "", "the last day of the closed period")
	return cmd
}

// drain is how long requests under way may take when the service ends.
const drain = 5 * time.Second

func (a *app) sandboxBooks(ctx context.Context, port int, company, closed string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return usage(fmt.Errorf("port %d cannot be listened on", port), "name another one, or none")
	}
	service := books.New(a.Now)
	service.CloseUntil(closed)
	url := "http://" + l.Addr().String()
	fmt.Fprintf(a.Stdout, "# Books at %s; Ctrl-C ends them. Under connections: of tieout.yaml:\n%s", url, books.Definition(url, company))
	server := &http.Server{Handler: service, ReadHeaderTimeout: drain}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(rest); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
