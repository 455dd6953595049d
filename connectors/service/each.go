package service

import (
	"regexp"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// Each is one thing a stream is asked for once for each of: the records of
// another stream, values, or stretches of time.
type Each struct {
	Parent document.Text     `yaml:"parent" doc:"Another stream of the connection, which is read first; its records are parent.x, and each.<as>.x." example:"projects"`
	KeepIf RecordFormula     `yaml:"keep_if" doc:"parent: expression over its records; only those for which it is true are asked for." example:"=status == \"open\""`
	Values *Value            `yaml:"values" doc:"A list, an expression that names a list under config, or a text with commas; a value is each.<as>." example:"=config.properties"`
	As     document.Text     `yaml:"as" doc:"Name under each; the stream's own where parent is." example:"property"`
	Window document.Duration `yaml:"window" doc:"Stretches of time, oldest first, from each.from up to each.to, where the next one begins." example:"31d"`
	Keep   int               `yaml:"keep" doc:"window: how many are read when the pipeline has no cursor, the last of them the one that holds today." example:"3"`
	Ahead  document.Duration `yaml:"ahead" doc:"window: how far beyond today they go, for records that are dated in the future." example:"31d"`
}

// eachKeys is Each without a way of its own to be decoded.
type eachKeys Each

var plainWord = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// DecodeDocument reads one and checks that it is one of the three.
func (e *Each) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*eachKeys)(e))
	if n.Kind() != document.Mapping {
		return
	}
	kind, count := "", 0
	for _, key := range []string{"parent", "values", "window"} {
		if n.Get(key) != nil {
			kind = key
			count++
		}
	}
	if count != 1 {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write {parent: projects}, {values: [a, b], as: property} or {window: 31d}; several are items of a list.", "each needs exactly one of %q, %q and %q", "parent", "values", "window")
		return
	}
	for key, owner := range map[string]string{"keep_if": "parent", "keep": "window", "ahead": "window"} {
		if at := n.KeyNode(key); at != nil && kind != owner {
			d.Report.ErrorAt(at, document.CodeMisplacedKey, "Remove it.", "%q belongs to %s", key, owner)
		}
	}
	if at := n.Get("keep"); at != nil && (e.Keep < 1 || e.Keep > mostWindows) {
		d.Report.ErrorAt(at, document.CodeWrongType, "", "keep is a number from 1 to %d", mostWindows)
	}
	e.checkName(n, kind, d)
	if kind == "parent" && e.Parent.Value != "" {
		e.checkParent(n, d)
	}
}

func (e *Each) checkName(n *document.Node, kind string, d *document.Decoder) {
	switch at := n.Get("as"); {
	case kind == "window" && at != nil:
		d.Report.ErrorAt(n.KeyNode("as"), document.CodeMisplacedKey, "Remove it: a window is each.from and each.to.", "%q belongs to parent and values", "as")
	case kind == "values" && at == nil:
		d.Report.ErrorAt(n, document.CodeMissingKey, "as: property, read by expressions as each.property.", "each with values needs the key %q", "as")
	case at != nil && (!plainWord.MatchString(e.As.Value) || e.As.Value == "from" || e.As.Value == "to"):
		d.Report.ErrorAt(e.As, document.CodeWrongType, "Write a plain word other than from and to.", "%q cannot be a name under each", e.As.Value)
	}
}

// checkParent reports a parent that is no stream, or that waits for this one.
func (e *Each) checkParent(n *document.Node, d *document.Decoder) {
	own := streamNode(n)
	if own == nil || own.Parent() == nil {
		return
	}
	streams := own.Parent()
	if streams.Get(e.Parent.Value) == nil {
		var names []string
		for _, key := range streams.Keys() {
			names = append(names, key.Text())
		}
		s := document.Suggest(e.Parent.Value, names)
		d.Report.Add(document.DiagnosticAt(e.Parent, document.CodeSourceUnknownStream, s.Hint, "the connection has no stream %q", e.Parent.Value))
		return
	}
	if own.Key() != nil && waits(streams, e.Parent.Value, own.Key().Text(), make(map[string]bool)) {
		d.Report.ErrorAt(e.Parent, document.CodeWrongShape, "Read one of them without the other.", "the streams %q and %q wait for each other", own.Key().Text(), e.Parent.Value)
	}
}

// waits reports whether a stream is asked for with records of another, by way
// of others too.
func waits(streams *document.Node, name, other string, seen map[string]bool) bool {
	if name == other {
		return true
	}
	stream := streams.Get(name)
	if seen[name] || stream == nil {
		return false
	}
	seen[name] = true
	for _, one := range eachNodes(stream) {
		if p := one.Get("parent"); p != nil && waits(streams, p.Text(), other, seen) {
			return true
		}
	}
	return false
}

// streamNode is the mapping of the stream a node stands in.
func streamNode(n *document.Node) *document.Node {
	for ; n != nil; n = n.Parent() {
		if n.Kind() == document.Mapping && n.Get("request") != nil && n.Key() != nil {
			return n
		}
	}
	return nil
}

// eachNodes are the items under each of a stream.
func eachNodes(stream *document.Node) []*document.Node {
	each := stream.Get("each")
	switch {
	case each == nil:
		return nil
	case each.Kind() == document.Sequence:
		return each.Children()
	}
	return []*document.Node{each}
}

// checkEach reports names under each and parent that the stream does not have.
func (f *formula) checkEach(n *document.Node, r *document.Report) {
	stream := streamNode(n)
	if len(f.each)+len(f.parent) == 0 {
		return
	}
	known, parents := map[string]bool{}, false
	if stream != nil {
		for _, one := range eachNodes(stream) {
			parent, as := one.Get("parent"), one.Get("as")
			switch {
			case as != nil:
				known[as.Text()] = true
			case parent != nil:
				known[parent.Text()] = true
			case one.Get("window") != nil:
				known["from"], known["to"] = true, true
			}
			parents = parents || parent != nil
		}
	}
	for _, path := range f.each {
		if !known[path[0]] {
			r.ErrorAt(f.Expr, document.CodeExprUnknownField, "Name it under each: of the stream: {values: [a, b], as: "+path[0]+"}.", "there is no each.%s", path[0])
		}
	}
	if len(f.parent) > 0 && !parents {
		r.ErrorAt(f.Expr, document.CodeExprUnknownField, "Write each: {parent: projects}.", "the stream has no parent")
	}
}

// DocumentSchema is that of the keys.
func (e *Each) DocumentSchema(sub func(any) any) any { return sub(eachKeys{}) }

// DocumentType says what is written.
func (e *Each) DocumentType() string {
	return "a mapping of `parent` and `keep_if`, of `values`, or of `window`, `keep` and `ahead`, with `as`"
}

// name is what it is called under each.
func (e *Each) name() string {
	if e.As.Value != "" {
		return e.As.Value
	}
	return e.Parent.Value
}

// listed are the values of a list under each.
func (w *world) listed(v *Value, c *Connection) ([]string, error) {
	if v.kind == computed {
		name, whole := strings.CutPrefix(strings.TrimSpace(v.expr.Value), "config.")
		for i, known := range c.Config.names {
			if whole && name == known && c.Config.values[i].kind == sequence {
				return w.listed(c.Config.values[i], c)
			}
		}
	}
	if v.kind != sequence {
		text, _, err := w.text(v)
		if err != nil {
			return nil, err
		}
		var out []string
		for _, one := range strings.Split(text, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
		return out, nil
	}
	var out []string
	for _, one := range v.items {
		text, has, err := w.text(one)
		if err != nil {
			return nil, err
		}
		if has {
			out = append(out, text)
		}
	}
	return out, nil
}
