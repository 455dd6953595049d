package rows

import (
	"errors"
	"io"
)

// windowBytes is the room a window starts with.
const windowBytes = 64 << 10

// window is the part of a stream that is being looked at.
type window struct {
	r       io.Reader
	buf     []byte
	at, end int
	mark    int   // bytes from here on are kept when more are read; -1 for none
	base    int64 // offset of buf[0] in the stream
	err     error // why there is no more; io.EOF at the end
}

func newWindow(r io.Reader) window { return window{r: r, buf: make([]byte, windowBytes), mark: -1} }

// offset is the place of the next byte in the stream.
func (w *window) offset() int64 { return w.base + int64(w.at) }

// more reads on; it reports false when there is nothing more to read.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.compact()
	if w.end == len(w.buf) {
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// compact moves what is kept to the start of the buffer.
func (w *window) compact() {
	from := w.at
	if w.mark >= 0 {
		from = w.mark
	}
	if from == 0 {
		return
	}
	copy(w.buf, w.buf[from:w.end])
	w.at, w.end, w.base = w.at-from, w.end-from, w.base+int64(from)
	if w.mark >= 0 {
		w.mark = 0
	}
}

// space passes over blanks and gives the byte behind them without taking it;
// false at the end of the stream.
func (w *window) space() (byte, bool) {
	for {
		for w.at < w.end {
			switch c := w.buf[w.at]; c {
			case ' ', '\n', '\t', '\r':
				w.at++
			default:
				return c, true
			}
		}
		if !w.more() {
			return 0, false
		}
	}
}

// broken is why a stream ended in the middle of a document.
func (w *window) broken() error {
	if w.err == nil || errors.Is(w.err, io.EOF) {
		return &BrokenError{Offset: w.offset(), Why: "it ends in the middle"}
	}
	return w.err
}
