package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// Commit merges, asks for approval, and publishes all at once.
func (w *writer) Commit(_ context.Context, row connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	if w.done {
		return connectors.Receipt{}, errors.New("commit after the load ended")
	}
	w.done = true
	w.db.commits.Lock()
	defer w.db.commits.Unlock()
	w.db.data.Lock()
	epoch, before := w.db.positions[placeOf(w.load)].epoch, w.db.streams[w.load.Stream]
	lose := w.db.faults.LoseCommit
	w.db.data.Unlock()
	if epoch != w.epoch {
		return connectors.Receipt{}, fmt.Errorf("%w: epoch %d, this load has %d", connectors.ErrFenced, epoch, w.epoch)
	}
	var receipt connectors.Receipt
	after, err := w.merge(before, &receipt)
	if err != nil {
		return connectors.Receipt{}, err
	}
	receipt.Refused = w.refused
	if err := approve(receipt); err != nil {
		return connectors.Receipt{}, err
	}
	w.publish(row, receipt, after)
	if lose {
		w.db.SetFaults(Faults{})
		return connectors.Receipt{}, fmt.Errorf("%w: the answer was lost as it was told to", connectors.ErrCommitUnknown)
	}
	return receipt, nil
}

func (w *writer) publish(row connectors.Ledger, receipt connectors.Receipt, after []Row) {
	row.LoadID, row.Format = w.load.ID, connectors.LedgerFormat
	row.Counts.Inserted, row.Counts.Changed = receipt.Inserted, receipt.Changed
	row.Counts.Unchanged, row.Counts.Deleted = receipt.Unchanged, receipt.Deleted
	row.Counts.Refused = int64(len(receipt.Refused))
	w.db.setPosition(w.load, row.After, w.epoch)
	w.db.data.Lock()
	defer w.db.data.Unlock()
	w.db.loads[w.load.ID] = row
	w.db.streams[w.load.Stream] = after
	names := w.load.Shape.Names()
	switch {
	case w.load.Mode == connectors.History:
		names = append(names, "valid_from", "valid_to")
	case w.load.Missing == connectors.Close:
		names = append(names, "closed_at")
	}
	w.db.fields[w.load.Stream] = names
}

// unique keeps the first row of each key. Later ones that are the same count
// as unchanged; those that differ are refused.
func (w *writer) unique(receipt *connectors.Receipt) (map[string]staged, error) {
	fresh := make(map[string]staged, len(w.rows))
	for _, s := range w.rows {
		first, twice := fresh[s.key]
		switch {
		case !twice:
			fresh[s.key] = s
		case maps.Equal(first.row, s.row):
			receipt.Unchanged++
		default:
			if err := w.refuse(s, string(document.CodeSinkDuplicateKey)+": an earlier record has the same key and other values"); err != nil {
				return nil, err
			}
		}
	}
	return fresh, nil
}

func (w *writer) keyOf(row Row) string {
	key := ""
	for n, k := range w.load.Key {
		if n > 0 {
			key += "|"
		}
		key += row[k]
	}
	return key
}
