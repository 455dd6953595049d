package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) quarantineEditCommand() *cobra.Command {
	var sets []string
	var whole string
	cmd := &cobra.Command{
		Use:   "edit ID (--set FIELD=VALUE... | --record JSON)",
		Short: "Correct a held record; the original and who changed it are kept",
		Example: `  tieout quarantine edit 12 --set move_in=2026-01-13
  tieout quarantine edit 12 --set rent=1500.00 --set unit=null
  tieout quarantine edit 12 --record '{"id":"3","rent":"1500.00"}'`,
		Args:              exactly("the record's number"),
		ValidArgsFunction: a.completeHeld,
		RunE: func(cmd *cobra.Command, args []string) error {
			hint := "write --set FIELD=VALUE, or --record with the whole record as JSON"
			if (len(sets) == 0) == (whole == "") {
				return usage(errNoEdit, hint)
			}
			return a.edit(cmd.Context(), args[0], sets, whole)
		},
	}
	cmd.Flags().StringArrayVar(&sets, "set", nil, "a field, as name=value; null stands for no value; repeatable")
	cmd.Flags().StringVar(&whole, "record", "", "the whole record, as JSON")
	return cmd
}

func (a *app) edit(ctx context.Context, id string, sets []string, whole string) error {
	return a.held(ctx, id, func(p *project.Project, store *state.Store, e *state.HeldEntry) error {
		if e.Status != state.Waiting {
			return missing(fmt.Errorf("held record %d is %s: %w", e.ID, e.Status, state.ErrMissing), "only records that wait can be edited")
		}
		if err := lone(p, e); err != nil {
			return fmt.Errorf("an edit would never be read: %w", err)
		}
		after, err := edited(e.Record, sets, whole)
		if err != nil {
			return err
		}
		before := e.Record
		if err := store.EditHeld(ctx, e.ID, after, a.actor()); err != nil {
			return missing(err, "another command changed it; see `tieout quarantine show`")
		}
		result := map[string]any{"id": e.ID, "actor": a.actor(), "before": asJSON(before), "after": asJSON(after)}
		return a.out.write(exitOK, e.RunID, result, func(w io.Writer) {
			fmt.Fprintf(w, "held record %d changed by %s\n  was\n%s\n  is\n%s\n", e.ID, a.actor(), pretty(before), pretty(after))
			fmt.Fprintf(w, "Next: tieout quarantine retry %s %d\n", e.Pipeline, e.ID)
		})
	})
}

// lone refuses a record whose retry would be refused. Of a pipeline that is
// gone, or has mistakes, that is not known.
func lone(p *project.Project, e *state.HeldEntry) error {
	pipeline, err := p.Workspace.Find(e.Pipeline)
	if err == nil && p.Problems(pipeline) == nil {
		return project.Retryable(pipeline, e)
	}
	return nil
}

// member is one field of a record as JSON. The order of fields is kept.
type member struct {
	name  string
	value json.RawMessage
}

// edited gives a record with some fields replaced, or another record.
func edited(recordText string, sets []string, whole string) (string, error) {
	if whole != "" {
		if _, err := members(whole); err != nil {
			return "", usage(fmt.Errorf("--record: %w", err), `write an object, such as {"id":"3"}`)
		}
		return whole, nil
	}
	fields, err := members(recordText)
	if err != nil {
		return "", usage(fmt.Errorf("the held record has no fields to set: %w", err), "give the whole record with --record")
	}
	for _, set := range sets {
		name, value, ok := cut(set)
		if !ok {
			return "", usage(fmt.Errorf("--set %q is not field=value", set), "write --set rent=1500.00")
		}
		if err := replace(fields, name, value); err != nil {
			return "", err
		}
	}
	return joined(fields), nil
}

// members reads the fields of a JSON object without changing their text.
func members(text string) ([]member, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		out = append(out, member{fmt.Sprint(name), value})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return out, nil
}

// replace sets one field. A field that held a number or a boolean keeps that
// form when the value has it; every other value becomes a text, so that an
// amount never passes through a float.
func replace(fields []member, name, value string) error {
	var names []string
	for i := range fields {
		if fields[i].name == name {
			fields[i].value = literal(fields[i].value, value)
			return nil
		}
		names = append(names, fields[i].name)
	}
	return usage(fmt.Errorf("the record has no field %q%s", name, didYouMean(name, names)),
		"its fields are "+strings.Join(names, ", ")+"; --record replaces it whole")
}

func literal(old json.RawMessage, value string) json.RawMessage {
	plain := json.Valid([]byte(value))
	switch {
	case value == "null":
		return json.RawMessage("null")
	case len(old) > 0 && (old[0] == '{' || old[0] == '[') && plain:
		return json.RawMessage(value)
	case len(old) > 0 && old[0] != '"' && !bytes.Equal(old, []byte("null")) && plain && !strings.HasPrefix(value, `"`):
		return json.RawMessage(value)
	}
	return encoded(value)
}

// encoded writes a text as JSON without escaping what HTML would need.
func encoded(text string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(text) != nil {
		return json.RawMessage(`""`)
	}
	return bytes.TrimSpace(b.Bytes())
}

func joined(fields []member) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encoded(f.name))
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	return b.String()
}
