package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the postgres driver
)

// bench is one sitting.
type bench struct {
	tieout string
	rows   int
	runs   int
	seed   uint64
	large  bool
	csv    string
	only   string

	url string
	dir string
	db  *sql.DB
}

func (b *bench) run() error {
	b.url = os.Getenv("TIEOUT_TEST_POSTGRES")
	if b.url == "" {
		return errors.New("TIEOUT_TEST_POSTGRES names no server; run `make bench`")
	}
	var err error
	if b.tieout, err = filepath.Abs(b.tieout); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "tieout-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.db, err = sql.Open("postgres", b.url); err != nil {
		return err
	}
	defer b.db.Close()
	b.header()
	for _, job := range []struct {
		name string
		run  func() error
	}{{"w1", b.w1}, {"w2", b.w2}, {"w3", b.w3}, {"w4", b.w4}, {"w5", b.w5}} {
		if b.only != "" && b.only != job.name {
			continue
		}
		if err := job.run(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) header() {
	commit, _ := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	var version string
	_ = b.db.QueryRow("show server_version").Scan(&version)
	fmt.Printf("commit %s, %s, PostgreSQL %s, seed %d, %d runs each, medians (all runs in brackets)\n\n",
		bytes.TrimSpace(commit), machine(), version, b.seed, b.runs)
}

func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "machine unknown"
	}
	name, count := "", 0
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name, count = strings.TrimSpace(value), count+1
		}
	}
	return fmt.Sprintf("%d x %s", count, name)
}

// sample is one timed run of a command.
type sample struct {
	wall   time.Duration
	cpu    time.Duration
	memory int64 // KiB, largest resident size
}

// contestant is one command of a comparison.
type contestant struct {
	name    string
	command []string
	before  string // SQL, untimed
	samples []sample
	check   func() error // after each run, untimed
}

// compare runs the contestants in turn, round after round, so that what else
// the machine does meets them all.
func (b *bench) compare(runs int, list []*contestant) error {
	for range runs {
		for _, c := range list {
			if c.before != "" {
				if _, err := b.db.Exec(c.before); err != nil {
					return err
				}
				if _, err := b.db.Exec("checkpoint"); err != nil {
					return err
				}
			}
			s, err := b.time(c.command)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.samples = append(c.samples, s)
			if c.check == nil {
				continue
			}
			if err := c.check(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

func (b *bench) time(command []string) (sample, error) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "BENCH_URL="+b.url, "BENCH_DIR="+b.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(started)}
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, out.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	s.memory = usage.Maxrss
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return s, nil
}

// median of a figure of the samples.
func median[T ~int64](list []sample, of func(sample) T) T {
	values := make([]T, len(list))
	for i, s := range list {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func wall(s sample) time.Duration { return s.wall }

// table prints a comparison; the ratio is that of the anchor's time to the
// contestant's, so that 1.00 is as fast and more is faster.
func table(title string, rows int, anchor *contestant, list []*contestant) {
	fmt.Printf("### %s\n\n| contestant | wall s | rows/s | ratio | CPU s | peak MB |\n|---|---|---|---|---|---|\n", title)
	base := median(anchor.samples, wall)
	for _, c := range list {
		w := median(c.samples, wall)
		var all []string
		for _, s := range c.samples {
			all = append(all, seconds(s.wall))
		}
		fmt.Printf("| %s | %s (%s) | %d | %s | %s | %d |\n", c.name, seconds(w), strings.Join(all, " "),
			int64(rows)*int64(time.Second)/max(1, int64(w)), ratio(base, w), seconds(median(c.samples, func(s sample) time.Duration { return s.cpu })),
			median(c.samples, func(s sample) int64 { return s.memory })/1024)
	}
	fmt.Println()
}

// seconds prints a duration with two digits, in integers.
func seconds(d time.Duration) string {
	hundredths := (d.Milliseconds() + 5) / 10
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

func ratio(base, w time.Duration) string {
	hundredths := (200*int64(base) + int64(w)) / (2 * max(1, int64(w)))
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}
