package pipelines

import (
	"strings"

	"github.com/tieout/tieout/schemas/record"
)

// withNames adds the fields that the names of files and sheets give, which are
// text unless they are declared: `name: "{job} Takeoff.xlsx"`.
func (p *Pipeline) withNames(s *record.Shape) *record.Shape {
	if p.Source.Node == nil {
		return s
	}
	fields := s.Fields[:len(s.Fields):len(s.Fields)]
	for _, key := range []string{"name", "sheet"} {
		n := p.Source.Node.Get(key)
		if n == nil {
			continue
		}
		for _, part := range strings.Split(n.Text(), "{")[1:] {
			name, _, closed := strings.Cut(part, "}")
			if closed && name != "" && s.Index(name) < 0 {
				fields = append(fields, record.NewField(name, record.Text))
			}
		}
	}
	if named, err := record.NewShape(fields...); err == nil {
		return named // a name that stands twice is reported when the source is opened
	}
	return s
}
