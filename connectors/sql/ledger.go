package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// ledger is the pair of tables in the target database that says what was
// loaded and how far each pipeline is. Its statements are the same for every
// database but for the few words below.
type ledger struct {
	s *session
	// loads and positions are the tables as SQL.
	loads, positions string
}

// ledgerDDL are the statements that create the tables. {loads} and
// {positions} stand for their names, {part} for the column partition, which is
// a word of SQL, the others for types.
func ledgerDDL() []string {
	return []string{`CREATE TABLE IF NOT EXISTS {positions} (
	project {name} NOT NULL,
	environment {name} NOT NULL,
	pipeline {name} NOT NULL,
	{part} {name} NOT NULL,
	epoch bigint NOT NULL,
	cursor_field {text},
	cursor_text {text},
	cursor_kind {text},
	seen {json},
	load_id {name},
	updated_at {time} NOT NULL,
	PRIMARY KEY (project, environment, pipeline, {part})
)`, `CREATE TABLE IF NOT EXISTS {loads} (
	load_id {name} PRIMARY KEY,
	run_id {name} NOT NULL,
	format integer NOT NULL,
	project {name} NOT NULL,
	environment {name} NOT NULL,
	pipeline {name} NOT NULL,
	{part} {name} NOT NULL,
	stream {text} NOT NULL,
	mode {name} NOT NULL,
	epoch bigint NOT NULL,
	counts {json} NOT NULL,
	sums {json} NOT NULL,
	hash {name} NOT NULL,
	config_hash {name} NOT NULL,
	cursor_before {json},
	cursor_after {json},
	started_at {time} NOT NULL,
	finished_at {time} NOT NULL
)`}
}

// ledgerIn names the tables in a schema, "" for the default one.
func ledgerIn(s *session, w *words, schema string) (*ledger, error) {
	prefix := ""
	if schema != "" {
		quoted, err := w.quote(schema)
		if err != nil {
			return nil, err
		}
		prefix = quoted + "."
	}
	return &ledger{s: s, loads: prefix + "tieout_loads", positions: prefix + "tieout_positions"}, nil
}

// madeByHand is what to do where the user may not create the tables.
func madeByHand(connection string) string {
	if connection == "" {
		connection = "NAME"
	}
	return "create them (`tieout connect " + connection + " --ddl` prints them)"
}

// ddl fills in the names and types of one database.
func (l *ledger) ddl(w *words) []string {
	statements := ledgerDDL()
	for i := range statements {
		statements[i] = l.names(w).Replace(strings.NewReplacer("{json}", w.json, "{time}", w.time, "{text}", w.text, "{name}", w.name).Replace(statements[i])) + w.tables
	}
	return statements
}

func (l *ledger) names(w *words) *strings.Replacer {
	return strings.NewReplacer("{loads}", l.loads, "{positions}", l.positions, "{part}", w.mark+"partition"+w.mark, "{char}", w.char)
}

// fill puts names into a statement, after its parameters have been numbered: a
// name may hold a question mark.
func (l *ledger) fill(statement string) string {
	return l.names(&l.s.words).Replace(l.s.conn.Rebind(statement))
}

// allowed says, for an error about rights, which ones are needed on the tables.
func (l *ledger) allowed(err error) error {
	if err == nil || l.s.classify(err) != faultDenied {
		return err
	}
	return fmt.Errorf("%w; the ledger needs GRANT SELECT, INSERT, UPDATE ON %s TO that user, and GRANT SELECT, INSERT ON %s", err, l.positions, l.loads)
}

func keyOf(load connectors.Load) []any {
	return []any{load.Project, load.Environment, load.Pipeline, load.Partition}
}

const whereKey = ` WHERE project = ? AND environment = ? AND pipeline = ? AND {part} = ?`

// raise takes the next epoch of a pipeline: whoever holds an older one cannot
// commit any more. Until the transaction ends nobody else can.
func (l *ledger) raise(ctx context.Context, load connectors.Load, now time.Time) (int64, error) {
	statement := l.fill("INSERT INTO {positions}" + l.s.words.as + ` (project, environment, pipeline, {part}, epoch, updated_at)
		VALUES (?, ?, ?, ?, 1, ?)` + l.s.words.raise)
	if err := l.s.exec(ctx, fmt.Sprintf("take the next epoch of pipeline %q", load.Pipeline), statement, append(keyOf(load), l.stamp(now))...); err != nil {
		return 0, l.allowed(err)
	}
	return l.epoch(ctx, load)
}

// epoch reads the epoch of a pipeline and keeps others from changing it until
// the transaction ends. It is 0 when there is no row.
func (l *ledger) epoch(ctx context.Context, load connectors.Load) (int64, error) {
	var epoch int64
	err := l.s.get(ctx, l.fill(`SELECT epoch FROM {positions}`+whereKey)+l.s.words.lock, keyOf(load), &epoch)
	if errors.Is(err, stdsql.ErrNoRows) {
		return 0, nil
	}
	return epoch, l.allowed(l.s.wrap(err, "read the epoch of pipeline %q", load.Pipeline))
}

// position reads how far a pipeline is.
func (l *ledger) position(ctx context.Context, load connectors.Load) (pos connectors.Position, found bool, err error) {
	var field, text, kind, seen, id stdsql.NullString
	err = l.s.get(ctx, l.fill(`SELECT epoch, cursor_field, cursor_text, cursor_kind, seen, load_id FROM {positions}`+whereKey),
		keyOf(load), &pos.Epoch, &field, &text, &kind, &seen, &id)
	if errors.Is(err, stdsql.ErrNoRows) {
		return connectors.Position{}, false, nil
	}
	if err != nil {
		return connectors.Position{}, false, l.allowed(l.s.wrap(err, "read the position of pipeline %q", load.Pipeline))
	}
	pos.Field, pos.Text, pos.Kind, pos.LoadID = field.String, text.String, kind.String, id.String
	if seen.Valid {
		if err := json.Unmarshal([]byte(seen.String), &pos.Seen); err != nil {
			return connectors.Position{}, false, fmt.Errorf("read the position of pipeline %q: %w", load.Pipeline, err)
		}
	}
	return pos, field.Valid, nil
}

// setPosition writes how far a pipeline is, nil for the start, under an epoch.
func (l *ledger) setPosition(ctx context.Context, load connectors.Load, pos *connectors.Position, epoch int64, now time.Time) error {
	args := []any{epoch, nil, nil, nil, nil, load.ID, l.stamp(now)}
	if pos != nil && pos.Field != "" {
		seen, err := json.Marshal(pos.Seen)
		if err != nil {
			return fmt.Errorf("write the position: %w", err)
		}
		args = []any{epoch, pos.Field, pos.Text, pos.Kind, string(seen), load.ID, l.stamp(now)}
	}
	return l.allowed(l.s.exec(ctx, "write the position", l.fill(`UPDATE {positions} SET epoch = ?, cursor_field = ?, cursor_text = ?,
		cursor_kind = ?, seen = ?, load_id = ?, updated_at = ?`+whereKey), append(args, keyOf(load)...)...))
}

// insert writes the proof of a load.
func (l *ledger) insert(ctx context.Context, load connectors.Load, row connectors.Ledger, epoch int64) error {
	var texts [4]any
	for i, v := range []any{row.Counts, row.Sums, row.Before, row.After} {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write the ledger: %w", err)
		}
		if string(text) != "null" {
			texts[i] = string(text)
		}
	}
	if texts[1] == nil {
		texts[1] = "{}"
	}
	args := append([]any{row.LoadID, row.RunID, row.Format}, keyOf(load)...)
	args = append(args, load.Stream, string(load.Mode), epoch, texts[0], texts[1], row.Hash, row.ConfigHash, texts[2], texts[3],
		l.stamp(row.StartedAt), l.stamp(row.FinishedAt))
	return l.s.exec(ctx, "write the ledger", l.fill(`INSERT INTO {loads} (load_id, run_id, format, project, environment, pipeline,
		{part}, stream, mode, epoch, counts, sums, hash, config_hash, cursor_before, cursor_after, started_at, finished_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`), args...)
}

// find reads the proof of a load back.
func (l *ledger) find(ctx context.Context, id string) (row connectors.Ledger, found bool, err error) {
	var counts, sums, started, finished string
	var before, after stdsql.NullString
	err = l.s.get(ctx, l.fill(`SELECT load_id, run_id, format, counts, sums, hash, config_hash, cursor_before, cursor_after,
		CAST(started_at AS {char}), CAST(finished_at AS {char}) FROM {loads} WHERE load_id = ?`), []any{id},
		&row.LoadID, &row.RunID, &row.Format, &counts, &sums, &row.Hash, &row.ConfigHash, &before, &after, &started, &finished)
	if errors.Is(err, stdsql.ErrNoRows) {
		return connectors.Ledger{}, false, nil
	}
	if err != nil {
		return connectors.Ledger{}, false, l.allowed(l.s.wrap(err, "look for load %s", id))
	}
	if row.Format > connectors.LedgerFormat {
		return row, true, fmt.Errorf("%w: load %s was written by a newer version (ledger format %d); use that version",
			connectors.ErrEnvironment, id, row.Format)
	}
	err = errors.Join(json.Unmarshal([]byte(counts), &row.Counts), json.Unmarshal([]byte(sums), &row.Sums),
		decode(before, &row.Before), decode(after, &row.After), unstamp(started, &row.StartedAt), unstamp(finished, &row.FinishedAt))
	if err != nil {
		return connectors.Ledger{}, false, fmt.Errorf("read load %s: %w", id, err)
	}
	return row, true, nil
}

func decode(text stdsql.NullString, into **connectors.Position) error {
	if !text.Valid {
		return nil
	}
	return json.Unmarshal([]byte(text.String), into)
}

// stamp writes an instant the way the database reads it back.
func (l *ledger) stamp(t time.Time) string { return t.UTC().Format(l.s.words.stamp) }

// unstamp reads an instant; each database writes it its own way.
func unstamp(text string, into *time.Time) (err error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07", "2006-01-02 15:04:05.999999"} {
		var t time.Time
		if t, err = time.Parse(layout, text); err == nil {
			*into = t.UTC()
			return nil
		}
	}
	return err
}
