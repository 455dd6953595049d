package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table writes rows in columns for people. Columns whose head begins with ">"
// are aligned right, as numbers are.
func table(w io.Writer, head []string, rows [][]string) {
	width := make([]int, len(head))
	right := make([]bool, len(head))
	titles := make([]string, len(head))
	for i, h := range head {
		titles[i] = strings.TrimPrefix(h, ">")
		right[i] = titles[i] != h
		width[i] = utf8.RuneCountInString(titles[i])
	}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range append([][]string{titles}, rows...) {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if right[i] {
				line.WriteString(gap + cell)
			} else {
				line.WriteString(cell + gap)
			}
			line.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// when writes an instant for people, in UTC to the second.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// short cuts the middle of a long text, so that both ends can be told apart.
func short(text string, most int) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) <= most {
		return string(r)
	}
	half := (most - 1) / 2
	return string(r[:most-1-half]) + "…" + string(r[len(r)-half:])
}

// count writes a number of things: 1 error, 2 errors.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}
