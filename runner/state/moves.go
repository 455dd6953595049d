package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
)

// Move is a change of a pipeline's position by a person. The position itself
// is in the sink; this is who changed it, and what it was.
type Move struct {
	Pipeline string               `json:"pipeline"`
	Verb     string               `json:"verb"` // set, reset or import
	Actor    string               `json:"actor"`
	At       time.Time            `json:"at"`
	Before   *connectors.Position `json:"before"`
	After    *connectors.Position `json:"after"`
}

// AddMove writes a change down.
func (s *Store) AddMove(ctx context.Context, project, environment string, m Move) error {
	before, err := json.Marshal(m.Before)
	if err != nil {
		return err
	}
	after, err := json.Marshal(m.After)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, s.db.Rebind(`INSERT INTO tieout_moves (project, environment, pipeline, verb, actor, at, before_json, after_json)
		VALUES (?,?,?,?,?,?,?,?)`), project, environment, m.Pipeline, m.Verb, clean(m.Actor), stamp(s.now()), string(before), string(after))
	if err != nil {
		return s.named(err)
	}
	return nil
}

// Moves lists the changes of a pipeline's position, newest first.
func (s *Store) Moves(ctx context.Context, project, environment, pipeline string, limit int) ([]Move, error) {
	var rows []struct {
		Verb   string `db:"verb"`
		Actor  string `db:"actor"`
		At     string `db:"at"`
		Before string `db:"before_json"`
		After  string `db:"after_json"`
	}
	err := s.db.SelectContext(ctx, &rows, s.db.Rebind(`SELECT verb, actor, at, before_json, after_json FROM tieout_moves
		WHERE project = ? AND environment = ? AND pipeline = ? ORDER BY id DESC LIMIT ?`), project, environment, pipeline, limit)
	if err != nil {
		return nil, s.named(err)
	}
	moves := make([]Move, len(rows))
	for i, r := range rows {
		m := Move{Pipeline: pipeline, Verb: r.Verb, Actor: r.Actor}
		if m.At, err = time.Parse(stampLayout, r.At); err == nil {
			if err = json.Unmarshal([]byte(r.Before), &m.Before); err == nil {
				err = json.Unmarshal([]byte(r.After), &m.After)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%w: a change of a position cannot be read: %w", ErrCorrupt, err)
		}
		moves[i] = m
	}
	return moves, nil
}
