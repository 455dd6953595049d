package state

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner/delivery"
)

// mostAsked bounds the keys of one question; SQLite takes 32,766 values in a
// statement.
const mostAsked = 1000

const (
	sameScope = ` WHERE project = ? AND environment = ? AND tenant = ? AND from_stream = ? AND to_stream = ?`
	// The last intent of each identity, and the last one that was taken.
	standingsQuery = `SELECT ` + deliveryColumns + ` FROM tieout_deliveries d` + sameScope + ` AND record_key IN (?) AND status <> 'pending'
		AND (sequence = (` + lastSequence + `) OR sequence = (` + lastSequence + ` AND l.status = 'confirmed'))`
	lastSequence = `SELECT MAX(l.sequence) FROM tieout_deliveries l WHERE l.project = d.project AND l.environment = d.environment AND l.tenant = d.tenant
		AND l.from_stream = d.from_stream AND l.to_stream = d.to_stream AND l.record_key = d.record_key AND l.status <> 'pending'`
	linksQuery = `SELECT from_key, to_id, version FROM tieout_links` + sameScope + ` AND from_key IN (?)`
)

// Standings tells what is known of identities, in their order. It asks once
// for all that differ in their keys alone.
func (d *Deliveries) Standings(ctx context.Context, ids []delivery.Identity) ([]delivery.Standing, error) {
	out := make([]delivery.Standing, len(ids))
	for from := 0; from < len(ids); {
		to := from + 1
		for to < len(ids) && to-from < mostAsked && scopeOf(ids[to]) == scopeOf(ids[from]) {
			to++
		}
		if err := d.standings(ctx, ids[from:to], out[from:to]); err != nil {
			return nil, d.s.named(err)
		}
		from = to
	}
	return out, nil
}

// scopeOf is an identity without its key.
func scopeOf(id delivery.Identity) delivery.Identity {
	id.Key = ""
	return id
}

// standings is Standings for identities of one scope.
func (d *Deliveries) standings(ctx context.Context, ids []delivery.Identity, out []delivery.Standing) error {
	at := make(map[string][]int, len(ids)) // where a key stands in ids
	keys := make([]string, len(ids))
	for n := range ids {
		keys[n] = clean(ids[n].Key)
		at[keys[n]] = append(at[keys[n]], n)
	}
	var rows []deliveryRow
	if err := d.inScope(ctx, &rows, standingsQuery, ids[0], keys); err != nil {
		return err
	}
	for n := range rows {
		i, err := rows[n].intent()
		if err != nil {
			return err
		}
		for _, n := range at[i.Key] {
			meet(&out[n], &i)
		}
	}
	var links []struct {
		Key     string `db:"from_key"`
		ID      string `db:"to_id"`
		Version string `db:"version"`
	}
	if err := d.inScope(ctx, &links, linksQuery, ids[0], keys); err != nil {
		return err
	}
	for _, l := range links {
		for _, n := range at[l.Key] {
			out[n].Linked, out[n].ID, out[n].Version = true, l.ID, l.Version
		}
	}
	return nil
}

// inScope selects the rows of some keys.
func (d *Deliveries) inScope(ctx context.Context, rows any, query string, id delivery.Identity, keys []string) error {
	query, args, err := sqlx.In(query, id.Project, id.Environment, id.Tenant, id.From, id.To, keys)
	if err != nil {
		return err
	}
	return d.s.db.SelectContext(ctx, rows, d.s.db.Rebind(query), args...)
}

// meet takes in an intent of the identity.
func meet(s *delivery.Standing, i *delivery.Intent) {
	if s.Last == nil || s.Last.Sequence < i.Sequence {
		s.Last = i
	}
	if i.Status == delivery.Confirmed && (s.Taken == nil || s.Taken.Sequence < i.Sequence) {
		s.Taken = i
	}
}
