// Package markup takes XML apart as it arrives: a Scanner gives the starts,
// the ends and the texts of elements, one at a time, out of a small window.
//
// It is strict (what it takes to its end is well formed) and it is bounded in
// depth, in the size of a tag and in what it keeps. A document type is refused,
// so that there are no entities but the five of the standard and characters by
// number, and nothing is ever fetched. The prefixes of names are dropped.
//
// It knows neither records nor sheets. Read scanner.go first, then tag.go and
// text.go; decode.go finds the encoding of a document.
package markup
