package pipelines

import (
	"github.com/tieout/tieout/schemas/document"
)

// uniqueKeys and notNullKeys are the mapping forms of conditions that may also
// be written as a plain list of fields: `- unique: [property, unit]`.
type (
	uniqueKeys  UniqueCondition
	notNullKeys NotNullCondition
)

// DecodeDocument reads either form.
func (c *UniqueCondition) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Mapping {
		d.Decode(n, (*uniqueKeys)(c))
		return
	}
	c.Fields = fieldList(n, d)
}

// DecodeDocument reads either form.
func (c *NotNullCondition) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Mapping {
		d.Decode(n, (*notNullKeys)(c))
		return
	}
	c.Fields = fieldList(n, d)
}

// fieldList reads a list of names, or one name.
func fieldList(n *document.Node, d *document.Decoder) []document.Text {
	if n.Kind() == document.Scalar {
		var one document.Text
		d.DecodeField(n, &one, "")
		if one.IsZero() {
			return nil
		}
		return []document.Text{one}
	}
	var list []document.Text
	d.DecodeField(n, &list, "")
	return list
}

// DocumentType says what is written.
func (c *UniqueCondition) DocumentType() string {
	return "list of fields, or a mapping of `fields` and `otherwise`"
}

// DocumentType says what is written.
func (c *NotNullCondition) DocumentType() string {
	return "list of fields, or a mapping of `fields` and `otherwise`"
}

// DocumentSchema allows every form.
func (c *UniqueCondition) DocumentSchema(sub func(any) any) any { return listOr(sub(uniqueKeys{})) }

// DocumentSchema allows every form.
func (c *NotNullCondition) DocumentSchema(sub func(any) any) any { return listOr(sub(notNullKeys{})) }

func listOr(mapping any) any {
	text := map[string]any{"type": "string"}
	return map[string]any{"anyOf": []any{text, map[string]any{"type": "array", "items": text}, mapping}}
}
