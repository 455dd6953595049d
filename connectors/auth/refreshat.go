package auth

import (
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
)

// early is how long before its end a token is given up.
const early = 30 * time.Second

// RefreshAt says when a token is renewed: a part of its life, as 80%, or a
// time before its end, as 5m. The zero one takes the usual moment.
type RefreshAt struct {
	permille int64 // of the life, 0 for none
	before   time.Duration
}

// DecodeDocument reads a percentage or a duration.
func (a *RefreshAt) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() != document.Scalar {
		d.Report.ErrorAt(n, document.CodeWrongShape, "Write 80%, or 5m.", "refresh_at is one value")
		return
	}
	if span, err := document.ParseDuration(n.Text()); err == nil && span > 0 {
		a.before = span.Std()
		return
	}
	if share, err := document.ParsePercent(n.Text()); err == nil {
		if v, whole := share.Mul(decimal.New(10, 0)).Int64(); whole && v > 0 && v < 1000 {
			a.permille = v
			return
		}
	}
	d.Report.ErrorAt(n, document.CodeWrongType, "Write a part of the token's life, as 80%, or a time before its end, as 5m.", "%q says no moment in the life of a token", n.Text())
}

// DocumentType says what is written.
func (a *RefreshAt) DocumentType() string {
	return "a percentage of the life or a duration before its end"
}

// DocumentSchema is a text.
func (a *RefreshAt) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// use is how long a token of a life is used.
func (a RefreshAt) use(life time.Duration) time.Duration {
	switch {
	case a.permille > 0:
		return life / 1000 * time.Duration(a.permille)
	case a.before > 0:
		return max(life-a.before, life/10)
	}
	return max(life-early, life/2)
}
