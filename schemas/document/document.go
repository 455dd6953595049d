package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Limits of one file. They are far above what people write and keep a hostile
// file from costing more than a moment.
const (
	MaxBytes = 4 << 20
	MaxNodes = 200_000
	MaxDepth = 64
)

// Document is one parsed YAML document whose root is a mapping.
type Document struct {
	Kind string // the first key: tieout, pipeline, sync, reconcile, connector, schema, test
	Name string // the first key's value when it is a single value
	Root *Node
	File string
}

// Options say what a file may hold.
type Options struct {
	Multiple bool // several documents divided by ---
}

// Parse reads the one document of a file. Problems go to the report; a document
// that cannot be used at all is left out of the result.
func Parse(file string, raw []byte, r *Report) []*Document {
	return ParseWith(file, raw, r, Options{})
}

// ParseWith is Parse for files that may hold several documents. The raw bytes are
// kept for positions and must not be changed afterwards.
func ParseWith(file string, raw []byte, r *Report, opts Options) []*Document {
	src := newSource(file, raw)
	r.remember(src)
	if !checkBytes(src, r) {
		return nil
	}
	p := parser{src: src, report: r}
	yaml3 := yaml.NewDecoder(bytes.NewReader(src.raw))
	var docs []*Document
	for {
		root := new(yaml.Node)
		err := decodeNext(yaml3, root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.Add(syntaxFinding(src, err))
			return nil
		}
		if len(docs) > 0 && !opts.Multiple {
			p.refuseSecond(root)
			break
		}
		doc := p.document(root)
		if doc == nil {
			return docs
		}
		docs = append(docs, doc)
	}
	if len(docs) == 0 && !p.refused {
		r.Errorf(CodeEmptyDocument, Position{File: file, Line: 1, Column: 1}, "", "Begin with a kind and a name, such as `pipeline: rent_roll`.", "the file holds no document")
	}
	return docs
}

// decodeNext turns a panic of the YAML library into an error: a file must never
// stop the program.
func decodeNext(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return d.Decode(into)
}

// parser turns yaml.v3's tree into Nodes and refuses what documents do not use.
type parser struct {
	src     *source
	report  *Report
	slab    []Node
	nodes   int
	refused bool
}

func (p *parser) refuseSecond(root *yaml.Node) {
	at := Position{File: p.src.file, Line: max(root.Line, 1), Column: max(root.Column, 1)}
	p.report.Errorf(CodeSecondDocument, at, "", "Put it into a file of its own.", "a second document begins here; this file holds one")
}

func (p *parser) document(root *yaml.Node) *Document {
	var top *yaml.Node
	if len(root.Content) > 0 {
		top = root.Content[0]
	}
	if top == nil || top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		p.refused = true
		at := Position{File: p.src.file, Line: max(root.Line, 1), Column: max(root.Column, 1)}
		p.report.Errorf(CodeEmptyDocument, at, "", "Begin with a kind and a name, such as `pipeline: rent_roll`.", "the document holds nothing")
		return nil
	}
	n := p.build(top, nil, nil, 0)
	if p.refused {
		return nil
	}
	if n.kind != Mapping || len(n.keys) == 0 {
		p.refused = true
		if !n.broken {
			p.reportNotMapping(n)
		}
		return nil
	}
	return &Document{Kind: n.keys[0].Text(), Name: n.kids[0].Text(), Root: n, File: p.src.file}
}

func (p *parser) reportNotMapping(n *Node) {
	if n.kind == Scalar && reportMissingBlank(p.report, n) {
		return
	}
	p.report.ErrorAt(n, CodeNotAMapping, "Begin with a kind and a name, such as `pipeline: rent_roll`.", "a document is a list of keys and values, not %s", n.kind)
}
