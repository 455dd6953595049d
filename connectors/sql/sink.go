package sql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// dialect is what a sink needs to know of a database.
type dialect interface {
	connect(ctx context.Context) (*session, error)
	// ledger finds the two tables, and creates them when create is true and
	// they are missing; nil when they are not there.
	ledger(ctx context.Context, s *session, create bool) (*ledger, error)
	// begin checks the target and opens the load in the session; write and
	// finish are then the loader's. It closes nothing.
	begin(ctx context.Context, s *session, load connectors.Load, r *refusals) (loader, error)
	// present brings keys into a temporary table in the load's transaction;
	// keys has their columns, load those of the load. It gives the table.
	present(ctx context.Context, s *session, keys, load *plan, k *kept) (string, error)
	// script gives the statements that create them.
	script() ([]string, error)
	// locked begins a transaction in which the row of a pipeline's position
	// can be locked, and does not wait for ever.
	locked(ctx context.Context, s *session) error
}

// sink writes loads into one database.
type sink struct {
	dialect dialect
	now     func() time.Time
}

// Begin opens a load: ledger, epoch, then the target.
func (k *sink) Begin(ctx context.Context, load connectors.Load) (connectors.Writer, error) {
	s, err := k.dialect.connect(ctx)
	if err != nil {
		return nil, err
	}
	w, err := k.begin(ctx, s, load)
	if err != nil {
		s.close()
		return nil, interrupted(ctx, err)
	}
	return w, nil
}

func (k *sink) begin(ctx context.Context, s *session, load connectors.Load) (*writer, error) {
	l, err := k.dialect.ledger(ctx, s, true)
	if err != nil {
		return nil, err
	}
	w := &writer{session: s, dialect: k.dialect, ledger: l, load: load, now: k.now, refusals: &refusals{most: load.MaxRefused}}
	if load.Missing != "" && load.Missing != connectors.Keep {
		w.refusals.kept = &kept{shape: keyShape(load)}
	}
	// Check the target first: a load that cannot work takes nobody's epoch.
	if w.loader, err = k.dialect.begin(ctx, s, load, w.refusals); err != nil {
		return nil, err
	}
	w.epoch, err = k.raise(ctx, load)
	return w, err
}

// raise takes the epoch in a transaction of its own, so that it holds before
// a record is read.
func (k *sink) raise(ctx context.Context, load connectors.Load) (epoch int64, err error) {
	err = k.withLedger(ctx, true, func(s *session, l *ledger) error {
		epoch, err = l.raise(ctx, load, k.now())
		return err
	})
	return epoch, err
}

// withLedger runs f in a transaction of a connection of its own. Without the
// tables, and unless create is true, f is not called.
func (k *sink) withLedger(ctx context.Context, create bool, f func(*session, *ledger) error) error {
	s, err := k.dialect.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := k.dialect.ledger(ctx, s, create)
	if err != nil || l == nil {
		return err
	}
	if err := k.dialect.locked(ctx, s); err != nil {
		return err
	}
	if err := f(s, l); err != nil {
		return err
	}
	return s.exec(ctx, "commit", "COMMIT")
}

// Settle waits for a commit that is under way (it holds the lock on the
// pipeline's row), then looks for the load. When it is not there, the epoch is
// raised before the lock is let go, so that whoever still holds the load open
// is fenced and its commit can never land.
func (k *sink) Settle(ctx context.Context, load connectors.Load) (row connectors.Ledger, found bool, err error) {
	err = k.withLedger(ctx, false, func(_ *session, l *ledger) error {
		if _, err := l.raise(ctx, load, k.now()); err != nil {
			return fmt.Errorf("another session may still be committing load %s; wait until it has ended, or end it on the server: %w", load.ID, err)
		}
		row, found, err = l.find(ctx, load.ID)
		return err
	})
	return row, found, err
}

// Position reads the last committed position.
func (k *sink) Position(ctx context.Context, load connectors.Load) (pos connectors.Position, found bool, err error) {
	s, err := k.dialect.connect(ctx)
	if err != nil {
		return pos, false, err
	}
	defer s.close()
	l, err := k.dialect.ledger(ctx, s, false)
	if err != nil || l == nil {
		return pos, false, err
	}
	return l.position(ctx, load)
}

// SetPosition writes the position, or takes it away, and fences a load that
// is open.
func (k *sink) SetPosition(ctx context.Context, load connectors.Load, pos *connectors.Position) error {
	return k.withLedger(ctx, true, func(_ *session, l *ledger) error {
		epoch, err := l.raise(ctx, load, k.now())
		if err != nil {
			return err
		}
		return l.setPosition(ctx, load, pos, epoch, k.now())
	})
}

// DDL gives the statements that make the ledger tables, as a load would run
// them.
func (k *sink) DDL() (string, error) {
	statements, err := k.dialect.script()
	return strings.Join(statements, ";\n\n") + ";", err
}

// Check connects and asks for nothing.
func (k *sink) Check(ctx context.Context) error {
	s, err := k.dialect.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	return s.exec(ctx, "check the connection", "SELECT 1")
}

// neededRights are the rights on the target that a load takes.
func neededRights(load *connectors.Load) []string {
	switch {
	case load.Mode == connectors.Append:
		return []string{"INSERT"}
	case load.Mode == connectors.Replace, load.Missing == connectors.Delete, load.Mode == connectors.History && load.Missing == connectors.Close:
		return []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	}
	return []string{"SELECT", "INSERT", "UPDATE"}
}
