package pipelines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// Bounds of what is said about circles: a project may have very many.
const (
	maxCircles = 100
	maxNamed   = 20
)

// checkAfter reports names under `after` that no pipeline has, and pipelines
// that wait for one another.
func (w *Workspace) checkAfter() {
	v := &waiting{w: w, known: make(map[string]*Pipeline), state: make(map[*Pipeline]visit), told: make(map[document.Text]bool)}
	var names []string
	for _, p := range w.Pipelines {
		if name := p.Name(); name != "" && v.known[name] == nil {
			v.known[name] = p
			names = append(names, name)
		}
	}
	for _, p := range w.Pipelines {
		for i := range p.after {
			if name := p.after[i].at; !name.IsZero() && v.known[p.after[i].name] == nil {
				s := document.Suggest(name.Value, without(names, p.Name()))
				d := document.DiagnosticAt(name, document.CodeBadChoice, s.Hint, "there is no pipeline %q", name.Value)
				d.Fix = s.Fix
				w.Report.Add(d)
			}
		}
	}
	for _, p := range w.Pipelines {
		v.follow(p)
	}
}

func without(names []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == one })
}

// visit is how far a pipeline has been followed.
type visit uint8

const (
	unseen visit = iota
	onTrail
	followed
)

// waiting follows who waits for whom.
type waiting struct {
	w       *Workspace
	known   map[string]*Pipeline
	state   map[*Pipeline]visit
	trail   []wait
	circles int
	told    map[document.Text]bool // names under after that were reported
}

// wait is a pipeline on the trail and which of its names is being followed.
type wait struct {
	p    *Pipeline
	next int
}

// follow walks from one pipeline to all it waits for, without recursion: a
// chain may be as long as the project is large.
func (v *waiting) follow(from *Pipeline) {
	if v.state[from] != unseen {
		return
	}
	v.state[from] = onTrail
	v.trail = append(v.trail[:0], wait{p: from})
	for len(v.trail) > 0 {
		top := &v.trail[len(v.trail)-1]
		if top.next == len(top.p.after) {
			v.state[top.p] = followed
			v.trail = v.trail[:len(v.trail)-1]
			continue
		}
		to := v.known[top.p.after[top.next].name]
		top.next++
		switch {
		case to == nil:
		case v.state[to] == unseen:
			v.state[to] = onTrail
			v.trail = append(v.trail, wait{p: to})
		case v.state[to] == onTrail && v.circles < maxCircles:
			v.circles++
			v.report(slices.IndexFunc(v.trail, func(s wait) bool { return s.p == to }))
		}
	}
}

// report tells each pipeline of the circle that the trail makes from an index
// on, where it names the next.
func (v *waiting) report(from int) {
	circle := v.trail[from:]
	for i, s := range circle {
		at := s.p.after[s.next-1].at
		if v.told[at] {
			continue
		}
		v.told[at] = true
		v.w.Report.ErrorAt(at, document.CodeCycle, "Take one of them out of the chain.", "%s", chain(circle, i))
	}
}

// chain is "a → b → a", beginning with one of the circle.
func chain(circle []wait, from int) string {
	if len(circle) == 1 {
		return fmt.Sprintf("the pipeline waits for itself: %s → %s", circle[0].p.Name(), circle[0].p.Name())
	}
	var b strings.Builder
	b.WriteString("the pipelines wait for one another: ")
	for i := range min(len(circle), maxNamed) {
		b.WriteString(circle[(from+i)%len(circle)].p.Name() + " → ")
	}
	if more := len(circle) - maxNamed; more > 0 {
		fmt.Fprintf(&b, "%d more → ", more)
	}
	b.WriteString(circle[from].p.Name())
	return b.String()
}
