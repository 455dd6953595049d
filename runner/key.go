package runner

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/tieout/tieout/schemas/record"
)

// Keyer makes record keys: the text of the key fields, or a hash of the
// whole record where no key is known.
type Keyer struct {
	fields []int
	shape  *record.Shape
	buf    []byte
}

// NewKeyer keys records of a shape by the named fields; when one is missing
// from the shape, by the whole record.
func NewKeyer(shape *record.Shape, names []string) *Keyer {
	k := &Keyer{shape: shape}
	for _, name := range names {
		i := shape.Index(name)
		if i < 0 {
			k.fields = nil
			return k
		}
		k.fields = append(k.fields, i)
	}
	return k
}

// Key returns the key of a row, valid until the next call. Parts are joined
// by "|"; a nil part is empty.
func (k *Keyer) Key(b *record.Batch, row int) []byte {
	k.buf = k.buf[:0]
	if len(k.fields) == 0 {
		k.buf = record.AppendRowJSON(k.buf, b, row)
		return k.digest(k.buf)
	}
	for n, i := range k.fields {
		if n > 0 {
			k.buf = append(k.buf, '|')
		}
		if c := &b.Columns[i]; c.Presence[row] == record.Value {
			k.buf = record.AppendValue(k.buf, &k.shape.Fields[i], c, row)
		}
	}
	return k.buf
}

// Keyed reports whether every key field is in the shape.
func (k *Keyer) Keyed() bool { return len(k.fields) > 0 }

// Named reports whether a row has a value in every key field.
func (k *Keyer) Named(b *record.Batch, row int) bool {
	for _, i := range k.fields {
		if b.Columns[i].Presence[row] != record.Value {
			return false
		}
	}
	return len(k.fields) > 0
}

// raw is the key of a record known only as JSON.
func (k *Keyer) raw(json []byte) string { return string(k.digest(json)) }

// hashMark begins a key that is a hash, of hashBytes bytes.
const (
	hashMark  = '#'
	hashBytes = 12
)

func (k *Keyer) digest(text []byte) []byte {
	sum := sha256.Sum256(text)
	k.buf = append(k.buf[:0], hashMark)
	k.buf = hex.AppendEncode(k.buf, sum[:hashBytes])
	return k.buf
}

// hashed reports whether a key is a hash of what its record holds.
func hashed(key string) bool {
	if len(key) != 1+2*hashBytes || key[0] != hashMark {
		return false
	}
	_, err := hex.DecodeString(key[1:])
	return err == nil
}

// tie is the short hash of a key kept in a position.
func tie(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}
