package document

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
)

// scalar decodes one value written as text.
func (d *Decoder) scalar(n *Node, v reflect.Value, f *field) {
	if n.kind != Scalar {
		d.scalarExpected(n, f)
		return
	}
	switch f.form {
	case formExpr:
		d.refuseReferences(n, true)
		v.Set(reflect.ValueOf(Expr{n.Scalar()}))
		return
	case formSecret:
		v.Set(reflect.ValueOf(d.secret(n)))
		return
	}
	text, resolved := d.expand(n, f)
	if !resolved {
		// Not resolved: keep what was written, check nothing about it.
		if f.form == formString {
			v.SetString(n.Text())
		} else if f.form == formText {
			v.Set(reflect.ValueOf(n.Scalar()))
		}
		return
	}
	if len(f.enum) > 0 && !d.checkChoice(n, text, f.enum) {
		return
	}
	if f.form == formText {
		t := n.Scalar()
		if t.Value != text {
			t.Value, t.base = text, unmapped
		}
		v.Set(reflect.ValueOf(t))
		return
	}
	if err := setScalar(v, f.form, text); err != nil {
		d.wrongType(n, f, text, err)
	}
}

// unmapped is the base of a Text whose value is not the scalar's own text, so
// that every offset maps to the start.
const unmapped = -1 << 30

func (d *Decoder) scalarExpected(n *Node, f *field) {
	hint := ""
	if f.form == formExpr && n.InFlow() {
		hint = "Text that begins with { or [ must stand in single quotes."
	}
	d.wrongShape(n, "a single value", hint)
}

func (d *Decoder) checkChoice(n *Node, text string, choices []string) bool {
	if slices.Contains(choices, text) {
		return true
	}
	s := Suggest(text, choices)
	diag := DiagnosticAt(n, CodeBadChoice, s.Hint, "%s cannot be %q", describe(n), clip(text))
	if diag.Fix = s.Fix; diag.Fix != "" && n.Quoted() {
		diag.Fix = quoteText(s.Fix)
	}
	d.Report.Add(diag)
	return false
}

var dateLike = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ].*)?$`)

func (d *Decoder) wrongType(n *Node, f *field, text string, err error) {
	if fix, ok := booleanWord(text); ok && f.form == formBool {
		diag := DiagnosticAt(n, CodeBooleanWord, "Write "+fix+".", "%s is true or false, not %q", describe(n), text)
		diag.Fix = fix
		d.Report.Add(diag)
		return
	}
	if dateLike.MatchString(text) {
		d.Report.ErrorAt(n, CodeUnquotedDate, "A date does not belong here.", "%s takes %s, not the date %q", describe(n), formName(f.form), text)
		return
	}
	d.Report.ErrorAt(n, CodeWrongType, "", "%s takes %s: %s", describe(n), formName(f.form), err)
}

func booleanWord(text string) (string, bool) {
	switch strings.ToLower(text) {
	case "yes", "on", "true", "y":
		return "true", true
	case "no", "off", "false", "n":
		return "false", true
	}
	return "", false
}

func formName(f form) string {
	switch f {
	case formBool:
		return "true or false"
	case formInt:
		return "a whole number"
	case formDuration:
		return "a duration"
	case formPercent:
		return "a percentage"
	case formSize:
		return "a size"
	case formDecimal:
		return "a number"
	}
	return "text"
}

// setScalar converts text to a value. The error quotes the text and says what is
// expected.
func setScalar(v reflect.Value, kind form, text string) error {
	switch kind {
	case formString:
		v.SetString(text)
	case formText:
		v.Set(reflect.ValueOf(Text{Value: text}))
	case formExpr:
		v.Set(reflect.ValueOf(Expr{Text{Value: text}}))
	case formBool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither", clip(text))
		}
		v.SetBool(text == "true")
	case formInt:
		return setInt(v, text)
	default:
		return setQuantity(v, kind, text)
	}
	return nil
}

func setInt(v reflect.Value, text string) error {
	i, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || text[0] == '+' || len(text) > 1 && strings.TrimLeft(text, "-")[0] == '0':
		return fmt.Errorf("%q is not one", clip(text))
	case v.OverflowInt(i):
		return fmt.Errorf("%q is too large", clip(text))
	}
	v.SetInt(i)
	return nil
}

func setQuantity(v reflect.Value, kind form, text string) error {
	var value any
	var err error
	switch kind {
	case formDuration:
		value, err = ParseDuration(text)
	case formPercent:
		value, err = ParsePercent(text)
	case formSize:
		value, err = ParseSize(text)
	default:
		if value, err = decimal.Parse(text); err != nil {
			err = fmt.Errorf("%q is not one", clip(text))
		}
	}
	if err == nil {
		v.Set(reflect.ValueOf(value))
	}
	return err
}

// setDefault fills an absent key. A list's default is divided by commas. A
// default that cannot be read is a mistake in the program.
func setDefault(v reflect.Value, f *field) {
	kind := f.form
	if kind == formPointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
		kind = classify(v.Type())
	}
	if kind == formList {
		for _, item := range strings.Split(f.def, ",") {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			last := v.Index(v.Len() - 1)
			mustSet(last, classify(last.Type()), item, f.name)
		}
		return
	}
	mustSet(v, kind, f.def, f.name)
}

func mustSet(v reflect.Value, kind form, text, name string) {
	if !kind.scalar() || kind == formSecret {
		panic("document: a default cannot be given to " + name)
	}
	if err := setScalar(v, kind, text); err != nil {
		panic("document: the default of " + name + ": " + err.Error())
	}
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
