package document

// Position is the place of a byte of the value; len(Value) is the place behind
// its last character. An offset that cannot be mapped gives the start.
func (t Text) Position(byteOffset int) Position {
	if t.node == nil {
		return t.shifted(byteOffset)
	}
	offsets, _, ok := t.node.layout()
	i := t.base + byteOffset
	if !ok || i < 0 || i >= len(offsets) {
		return t.node.Position()
	}
	return t.node.src.position(offsets[i])
}

// shifted counts columns and lines from a start outside any document.
func (t Text) shifted(byteOffset int) Position {
	at := t.at
	for i, c := range t.Value {
		if i >= byteOffset {
			break
		}
		if c == '\n' {
			at.Line, at.Column = at.Line+1, 1
		} else {
			at.Column++
		}
	}
	return at
}

// Span covers the whole value without its quotes.
func (t Text) Span() Span { return t.SpanOf(0, len(t.Value)) }

// SpanOf covers the bytes from..to of the value; EndColumn is 0 when they end on
// another line.
func (t Text) SpanOf(from, to int) Span {
	at := Span{Position: t.Position(from)}
	if to <= from {
		return at
	}
	last := t.Position(to)
	// The end of a folded line maps to the next line's start: measure from the
	// last character instead.
	if last.Line != at.Line {
		if last = t.Position(to - 1); last.Line == at.Line {
			last.Column++
		}
	}
	if last.Line == at.Line && last.Column > at.Column {
		at.EndColumn = last.Column
	}
	return at
}

// Slice gives the bytes from..to as a Text of its own that keeps its place. It
// panics when they are out of range, as slicing does.
func (t Text) Slice(from, to int) Text {
	part := Text{Value: t.Value[from:to], node: t.node, base: t.base + from}
	if t.node == nil {
		part.at = t.shifted(from)
	}
	return part
}

// Path is the JSON pointer of the scalar.
func (t Text) Path() string {
	if t.node == nil {
		return ""
	}
	return t.node.Path()
}

// Raw reports a scalar without quotes on one line or several.
func (t Text) Raw() bool { return t.node != nil && !t.node.Quoted() }
