package gate

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/record"
)

// unique finds records that agree in all of some fields. It keeps 16 bytes of
// hash for each key, between 18 and 37 bytes of memory with the room to grow.
// Two seeded hashes of 64 bits agree for different keys about once in 2^128
// pairs, so a finding means that the keys are equal.
type unique struct {
	verdict
	columns  []int
	names    string
	seeds    [2]maphash.Seed
	seen     hashSet
	key      []byte
	repeated int64
	examples examples
}

// TooManyKeysError says that a condition would need more memory than it may.
type TooManyKeysError struct {
	Condition string
	Most      int
}

// Error names the condition and the bound.
func (e *TooManyKeysError) Error() string {
	return fmt.Sprintf("gate %s: more than %d different keys in one run; let the sink's key keep records apart, or load in parts", e.Condition, e.Most)
}

func newUnique(v verdict, spec *pipelines.UniqueCondition, shape *record.Shape) *unique {
	return &unique{verdict: v, columns: columnsOf(shape, spec.Fields), names: joined(spec.Fields),
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

func (m *unique) Add(b *record.Batch) error {
	for _, row := range b.Live {
		m.key = appendKey(m.key[:0], b, m.columns, row)
		h := hash16{maphash.Bytes(m.seeds[0], m.key), maphash.Bytes(m.seeds[1], m.key)}
		switch m.seen.put(h) {
		case alreadyThere:
			m.repeated++
			m.examples.add(0, describe(b, m.columns, row))
		case noRoom:
			return &TooManyKeysError{Condition: "unique [" + m.names + "]", Most: maxKeys}
		}
	}
	return nil
}

func (m *unique) Judge(Facts) (Finding, error) {
	limit := "no two records agree in " + m.names
	if m.repeated == 0 {
		return m.passed(limit, "none", "all different"), nil
	}
	found := m.failed(limit, fmt.Sprintf("%d repeated", m.repeated),
		fmt.Sprintf("%s repeated the %s of another, such as %s; keep one of each with a dedupe step, or add the field that differs", repeat(m.repeated), m.names, m.examples.kept[0].text))
	found.Count, found.Examples = m.repeated, m.examples.texts()
	return found, nil
}

func repeat(n int64) string {
	if n == 1 {
		return "1 record has"
	}
	return fmt.Sprintf("%d records have", n)
}

// appendKey writes values so that different rows of values give different
// bytes. A nil is a value like any other here: two records without a unit
// agree in it.
func appendKey(dst []byte, b *record.Batch, columns []int, row int32) []byte {
	for _, i := range columns {
		c := &b.Columns[i]
		if c.Presence[row] != record.Value {
			dst = append(dst, 0)
			continue
		}
		at := len(dst) + 1
		dst = append(dst, 1, 0, 0, 0, 0)
		f := record.Field{Kind: c.Kind, Scale: record.NoScale}
		dst = record.AppendValue(dst, &f, c, int(row))
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst
}

type hash16 [2]uint64

// hashSet is an open-addressing set of hashes; the zero hash marks a free
// slot and is stored apart.
type hashSet struct {
	slots []hash16
	used  int
	zero  bool
}

// The set starts at 16 KiB and grows to 256 MiB.
const (
	firstSlots = 1 << 10
	maxSlots   = 1 << 24
	maxKeys    = maxSlots / 8 * 7
)

type putResult uint8

const (
	added putResult = iota
	alreadyThere
	noRoom
)

func (s *hashSet) put(h hash16) putResult {
	if h == (hash16{}) {
		if s.zero {
			return alreadyThere
		}
		s.zero = true
		return added
	}
	if s.used >= len(s.slots)/8*7 {
		if len(s.slots) == maxSlots {
			return s.find(h)
		}
		s.grow()
	}
	i, there := s.slot(h)
	if there {
		return alreadyThere
	}
	s.slots[i] = h
	s.used++
	return added
}

// find answers for a set that is full.
func (s *hashSet) find(h hash16) putResult {
	if _, there := s.slot(h); there {
		return alreadyThere
	}
	return noRoom
}

// slot finds a hash or the free slot where it belongs.
func (s *hashSet) slot(h hash16) (int, bool) {
	mask := len(s.slots) - 1
	for i := int(h[0]) & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return i, true
		case hash16{}:
			return i, false
		}
	}
}

func (s *hashSet) grow() {
	old := s.slots
	s.slots = make([]hash16, max(firstSlots, 2*len(old)))
	for _, h := range old {
		if h != (hash16{}) {
			i, _ := s.slot(h)
			s.slots[i] = h
		}
	}
}
