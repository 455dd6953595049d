// Package format rewrites YAML documents in the house style: an expression
// that holds a comma, a quote or a bracket stands in block form, where YAML
// cannot cut it.
//
// It changes only what it must: the order of keys, comments, quotes and blank
// lines stay, formatting twice changes nothing, and a result that does not
// decode to the same document is never given. It does not find out which
// scalars are expressions; the caller says so.
//
// Read format.go first, then flow.go for how { } and [ ] are read and
// block.go for how they are written out.
package format
