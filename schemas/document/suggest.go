package document

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Suggestion is what one can say about a name that is not known.
type Suggestion struct {
	Hint string   // "did you mean …" and, when they are few, the names that are known
	Fix  string   // the one name that was surely meant, "" when there is none
	Near []string // at most three, nearest first
}

const (
	maxListed      = 10 // names are listed when there are no more than these
	maxSuggested   = 3
	maxNameLength  = 64
	nearestAllowed = 3
)

// Suggest compares an unknown name with the known ones. A name is near when few
// letters differ for its length, or only case, dashes and underscores do.
func Suggest(name string, known []string) Suggestion {
	var s Suggestion
	best := nearestAllowed + 1
	for _, k := range known {
		dist := nameDistance(name, k)
		switch {
		case dist > allowedDistance(name, k) || dist > best:
		case dist < best:
			best, s.Near = dist, []string{k}
		case !slices.Contains(s.Near, k):
			s.Near = append(s.Near, k)
		}
	}
	if len(s.Near) > maxSuggested {
		s.Near = nil
	}
	if len(s.Near) == 1 {
		s.Fix = s.Near[0]
	}
	s.Hint = suggestionHint(s.Near, known)
	return s
}

func suggestionHint(near, known []string) string {
	var lines []string
	if len(near) > 0 {
		lines = append(lines, "Did you mean "+joinOr(near)+"?")
	}
	if len(known) > 0 && len(known) <= maxListed {
		sorted := slices.Clone(known)
		slices.Sort(sorted)
		lines = append(lines, "Known here: "+strings.Join(slices.Compact(sorted), ", "))
	}
	return strings.Join(lines, "\n")
}

func joinOr(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// allowedDistance grows with the shorter name: one letter of up to five, two of
// up to nine, else three.
func allowedDistance(a, b string) int {
	switch n := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b)); {
	case n <= 2:
		return 0
	case n <= 5:
		return 1
	case n <= 9:
		return 2
	}
	return nearestAllowed
}

func nameDistance(a, b string) int {
	if len(a) > maxNameLength || len(b) > maxNameLength {
		return maxNameLength
	}
	fold := strings.NewReplacer("_", "", "-", "", " ", "")
	if a != b && strings.EqualFold(fold.Replace(a), fold.Replace(b)) {
		return 0
	}
	return editDistance([]rune(a), []rune(b))
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours.
func editDistance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
