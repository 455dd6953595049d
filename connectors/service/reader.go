package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/record"
)

const (
	batchBytes  = 4 << 20 // a batch ends before it takes more
	sampleBytes = 8 << 20 // of records looked at to learn a shape
)

// reader turns the records of a read into batches.
type reader struct {
	feed     feed
	name     string
	plan     *rows.Plan
	fill     *rows.Filler
	ahead    *rows.Ahead
	vacant   bool
	xml      func() bool // what the records were written in, once there were some
	parted   bool
	place    *fetcher // knows where the rows come from
	windowed bool
	windows  []string        // as parts
	parts    []string        // of the rows of the last batch
	base     context.Context // of the exchanges: a page may be open between two calls
	cancel   context.CancelFunc
}

// place words where a record is.
func place(it rows.Item) string { return fmt.Sprintf("page %d, byte %d", it.Line, it.Byte) }

// under runs an exchange that ends with ctx, and with the reader.
func (r *reader) under(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, r.cancel)
	defer stop()
	err := do()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// look looks at the first records.
func (r *reader) look(ctx context.Context) (samples [][]byte, err error) {
	r.ahead = rows.NewAhead(func() (rows.Item, error) { return r.feed.next(r.base) })
	err = r.under(ctx, func() (err error) {
		samples, err = r.ahead.Look(sampleBytes)
		return err
	})
	r.vacant = r.ahead.Empty()
	return samples, err
}

// Vacant reports whether the service had no record to give.
func (r *reader) Vacant() bool { return r.vacant }

// Shape is the declared fields and the other members of the first records.
func (r *reader) Shape() *record.Shape { return r.plan.Shape() }

// Notes tells of members that turned up late.
func (r *reader) Notes() []string { return r.fill.Notes(r.name) }

// Close ends what is under way and removes the spool.
func (r *reader) Close() error {
	r.cancel()
	return r.feed.close()
}

// Next fills a batch. Line and Byte of its origin are the page and the place
// in it.
func (r *reader) Next(ctx context.Context, b *record.Batch) error {
	b.Reset(r.plan.Shape(), record.BatchRows)
	b.Origin.Input = r.name
	r.parts, r.windows = r.parts[:0], r.windows[:0]
	n := 0
	err := r.under(ctx, func() error {
		for size := 0; n < record.BatchRows && size < batchBytes; n++ {
			it, err := r.ahead.Next()
			if err != nil {
				return err
			}
			if err := r.fill.Row(b, n, it); err != nil {
				return fmt.Errorf("stream %q, page %d: %w", r.name, it.Line, brokenReply(err, inJSON))
			}
			size += len(it.Raw)
			if r.parted || r.windowed {
				part, window := r.place.walk.partOf(int(it.Line))
				r.parts, r.windows = append(r.parts, part), append(r.windows, window)
			}
		}
		return nil
	})
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return err
	}
	r.fill.Done(b, n)
	return nil
}

// Parted reports whether the stream is read for each of many things.
func (r *reader) Parted() bool { return r.parted }

// Parts names what each row of the last batch was asked for with.
func (r *reader) Parts() []string { return r.parts }

// Windowed reports whether the stream is read in stretches of time, the last
// ones of those there were.
func (r *reader) Windowed() bool { return r.windowed }

// Windows names the stretch of each row of the last batch.
func (r *reader) Windows() []string { return r.windows }

// ReadWindows names all stretches that were read.
func (r *reader) ReadWindows() []string {
	var out []string
	if r.place.walk == nil {
		return nil
	}
	for _, p := range r.place.walk.parts {
		out = append(out, p.window)
	}
	return out
}

// reads reports whether a declared field takes its value from a member.
func reads(fields []connectors.FieldSpec, member string) bool {
	return slices.ContainsFunc(fields, func(f connectors.FieldSpec) bool { return slices.Contains(f.Columns, member) })
}

func splitPath(path string) []string { return strings.Split(path, ".") }

// signer makes what proves who asks.
func signer(c *Connection, env connectors.Env, o web.Options) (*auth.Signer, error) {
	return auth.New(c.Auth.Settings, env, o)
}
