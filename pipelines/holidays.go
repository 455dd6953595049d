package pipelines

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/calendar"
)

// maxHolidayBytes is far more than a file of all holidays of a century.
const maxHolidayBytes = 1 << 20

// holidays reads the days off.
func (c *checker) holidays(s *Schedule, kind string, rule *timetable.Rule) {
	name := s.Holidays
	switch {
	case name.IsZero():
		return
	case kind == "monthly" && s.Node.KeyNode("roll") == nil:
		c.wrong(s.Node.KeyNode("holidays"), "Write roll: following beside it, or leave it out.", "holidays move nothing without roll")
	case kind == "every" || kind == "":
		c.wrong(s.Node.KeyNode("holidays"), "Leave it out.", "holidays belong to cron, monthly and business_day")
	}
	days, err := c.w.readHolidays(name.Value)
	if err != nil {
		c.r.ErrorAt(name, document.CodeHolidays, "It has one date such as 2026-12-25 on each line, or is a CSV file with a column named date.", "holidays: %v", err)
		return
	}
	rule.Holidays = calendar.NewHolidays(days)
}

// readHolidays reads a file of the project. An error names file and line.
func (w *Workspace) readHolidays(name string) ([]calendar.Date, error) {
	file := path.Clean(strings.ReplaceAll(name, "\\", "/"))
	if !fs.ValidPath(file) || file == "." {
		return nil, fmt.Errorf("%q is no file in the project's folder", name)
	}
	info, err := fs.Stat(w.root, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %q in the project's folder", name)
	case err != nil:
		return nil, fmt.Errorf("%q cannot be read: %w", name, reason(err))
	case info.Size() > maxHolidayBytes:
		return nil, fmt.Errorf("%q is larger than %d KiB", name, maxHolidayBytes>>10)
	}
	raw, err := fs.ReadFile(w.root, file)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", name, reason(err))
	}
	return parseHolidays(file, raw)
}

// maxHolidayFaults is how many lines that are no date are named.
const maxHolidayFaults = 20

// parseHolidays reads a date on each line, or the column date of a CSV file.
// Its error names every line that is none, up to maxHolidayFaults.
func parseHolidays(file string, raw []byte) ([]calendar.Date, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	table := csv.NewReader(bytes.NewReader(raw))
	table.FieldsPerRecord, table.TrimLeadingSpace, table.Comment = -1, true, '#'
	column, headed := 0, false
	var days []calendar.Date
	var wrongs faults
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			wrongs.add(file, wrong.Line, wrong.Err)
			continue
		}
		line, _ := table.FieldPos(0)
		if len(days) == 0 && !headed && wrongs.err() == nil && (len(row) > 1 || strings.EqualFold(strings.TrimSpace(row[0]), "date")) {
			headed = true
			if column = slices.IndexFunc(row, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "date") }); column < 0 {
				return nil, fmt.Errorf("%s:%d: there is no column %q", file, line, "date")
			}
			continue
		}
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue
		}
		day, err := holiday(row, column, headed)
		if err != nil {
			wrongs.add(file, line, err)
			continue
		}
		days = append(days, day)
	}
	if err := wrongs.err(); err != nil {
		return nil, err
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("%s holds no date", file)
	}
	return days, nil
}

func holiday(row []string, column int, headed bool) (calendar.Date, error) {
	text := strings.Join(row, ",")
	if headed {
		text = ""
		if column < len(row) {
			text = row[column]
		}
	}
	day, ok := calendar.ParseISO([]byte(strings.TrimSpace(text)))
	if !ok {
		return 0, fmt.Errorf("%.40q is no date such as 2026-12-25", text)
	}
	return day, nil
}

// faults collects what is wrong with the lines of a file, and counts what is
// too much to show.
type faults struct {
	list []string
	more int
}

func (f *faults) add(file string, line int, err error) {
	if len(f.list) == maxHolidayFaults {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Sprintf("%s:%d: %v", file, line, err))
}

func (f *faults) err() error {
	switch {
	case len(f.list) == 0:
		return nil
	case f.more > 0:
		return fmt.Errorf("%s; and %d more", strings.Join(f.list, "; "), f.more)
	}
	return errors.New(strings.Join(f.list, "; "))
}
