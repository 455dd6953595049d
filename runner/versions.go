package runner

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// mostVersions is how many records of one read are remembered, some 60 bytes
// each. Those behind are not looked for when they come again.
const mostVersions = 1 << 20

// versions finds records that come twice in one read, as they changed while
// it went from page to page. The sink takes one record of a key in a load,
// and which of two is the later one it cannot know: the one read first is
// loaded, and the position stays at the later version of the other, so that
// the next run reads it. What comes again in an earlier version is let go.
type versions struct {
	last  map[[sha256.Size / 2]byte]int64 // the cursor of each record, by part and key
	later int64                           // records that came again in a later version
	buf   []byte
}

// newVersions looks for such records where they can be, and where one version
// would stand in the place of the other: the sink tells records apart by the
// key of the source, and no step gathers them and chooses itself.
func newVersions(t *tracker, ch *chain, load *connectors.Load, key []string) *versions {
	if load.Mode == connectors.Append || t.kind == record.Text || !t.keys.Keyed() || len(ch.segments) > 1 {
		return nil
	}
	there := slices.Sorted(slices.Values(newKeyTrail(ch, load.Key).names[0]))
	if !slices.Equal(there, slices.Sorted(slices.Values(key))) {
		return nil
	}
	return &versions{last: make(map[[sha256.Size / 2]byte]int64)}
}

// again reports whether a record was read in another version, and is not
// loaded for that. t is the tracker of its part.
func (v *versions) again(t *tracker, b *record.Batch, row int32) bool {
	if v == nil || !t.keys.Named(b, int(row)) {
		return false
	}
	v.buf = append(append(append(v.buf[:0], t.part...), 0), t.keys.Key(b, int(row))...)
	sum := sha256.Sum256(v.buf)
	id, now := [sha256.Size / 2]byte(sum[:]), b.Columns[t.column].Ints[row]
	last, known := v.last[id]
	switch {
	case !known:
		if len(v.last) < mostVersions {
			v.last[id] = now
		}
		return false
	case now == last:
		return false // the sink tells whether it is the same
	case now > last:
		v.later++
		if !t.wait.set || now < t.wait.value {
			t.wait = bound{set: true, value: now}
		}
	}
	return true
}

// warning tells what the next run is for, "" when nothing is.
func (t *tracker) warning() string {
	if t == nil || t.versions == nil || t.versions.later == 0 {
		return ""
	}
	return fmt.Sprintf("%d records changed while they were read and came twice; the next run reads the later version of each", t.versions.later)
}
