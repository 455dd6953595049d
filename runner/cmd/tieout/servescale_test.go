package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scale is a project of many pipelines that one process serves.
type scale struct {
	name   string
	cron   func(i int) string
	jitter string
	last   time.Duration // how long it is served
}

const (
	scalePipelines = 1000
	scaleCrons     = 20
	mostMemory     = 120 << 10 // KiB
)

// TestServeThousand serves a thousand pipelines on twenty crons: first with
// nothing due, then with fifty due each minute, without and with jitter. Every
// slot must be done; memory must stay below its limit. CPU and lag are printed.
func TestServeThousand(t *testing.T) {
	if !soak() {
		t.Skip("twenty minutes long: part of `make soak`")
	}
	binary := buildBinary(t)
	each := func(i int) string { return fmt.Sprintf("%d-59/%d * * * *", i%scaleCrons, scaleCrons) }
	far := func(i int) string { return fmt.Sprintf("%d 3 1 1 *", i%scaleCrons) }
	for _, s := range []scale{
		{name: "idle", cron: far, jitter: "0s", last: time.Minute},
		{name: "jitter 0", cron: each, jitter: "0s", last: 10 * time.Minute},
		{name: "jitter 30s", cron: each, jitter: "30s", last: 10 * time.Minute},
	} {
		t.Run(s.name, func(t *testing.T) { s.serve(t, binary) })
	}
}

func (s *scale) serve(t *testing.T, binary string) {
	u := &unattended{name: s.name, dir: t.TempDir(), stateDB: [2]string{"sqlite", ""}}
	u.stateDB[1] = "file:" + filepath.Join(u.dir, ".tieout/state.db")
	s.build(t, u.dir)
	if out, err := exec.Command(binary, "-C", u.dir, "validate").CombinedOutput(); err != nil {
		t.Fatalf("the project is not valid: %.2000s", out)
	}
	cmd := u.start(t, binary)
	time.Sleep(5 * time.Second) // the load of the project is not idle
	before := cpu(t, cmd.Process.Pid)
	time.Sleep(s.last)
	used := cpu(t, cmd.Process.Pid) - before
	now, peak := memory(t, cmd.Process.Pid)
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Fatalf("stopped with exit code %d\n%s", code, u.log(t))
	}
	fields := map[string]any{"test": "serve a thousand pipelines", "scene": s.name, "pipelines": scalePipelines, "crons": scaleCrons, "seconds": int(s.last.Seconds()),
		"cpu_percent_of_one_core": fmt.Sprintf("%d.%02d", used*100/s.last.Milliseconds(), used*10000/s.last.Milliseconds()%100),
		"memory_mb":               now >> 10, "memory_peak_mb": peak >> 10, "cores": runtime.NumCPU()}
	s.slots(t, u, fields)
	line(t, fields)
	if peak > mostMemory {
		t.Errorf("memory reached %d MB, more than %d", peak>>10, mostMemory>>10)
	}
}

func (s *scale) build(t *testing.T, dir string) {
	write(t, dir, "tieout.yaml", `tieout: 1
project: thousand
timezone: America/Chicago
connections:
  files: { connector: file, path: data }
  out: { connector: file, path: out }
serve: { listen: off, drain: 30s }
`)
	write(t, dir, "data/rent.csv", "id,rent\n1,1200.50\n2,980.00\n")
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range scalePipelines {
		write(t, dir, fmt.Sprintf("pipelines/p%04d.yaml", i), fmt.Sprintf(`pipeline: p%04d
schedule: { cron: "%s", jitter: %s }
money: { amounts: [rent], currency: USD }
source: { connection: files, stream: rent.csv, fields: { rent: decimal } }
transforms:
  - set:
      due: round(rent * 17 / 31, 2)
rules:
  - { name: rent is not negative, expect: rent >= 0 }
sink: { connection: out, stream: p%04d.csv, key: [id], mode: upsert }
`, i, s.cron(i), s.jitter, i))
	}
}

// slots adds how late slots began.
func (s *scale) slots(t *testing.T, u *unattended, fields map[string]any) {
	t.Helper()
	var lags []time.Duration
	for _, row := range lines(query(t, u.stateDB[0], u.stateDB[1], "SELECT not_before, started_at, status, reason FROM tieout_slots")) {
		f := strings.Split(row, "|")
		if len(f) < 4 {
			continue // there is none
		}
		if f[2] != "done" && f[2] != "due" {
			t.Errorf("a slot is %s: %s", f[2], f[3])
		}
		due, err1 := time.Parse(time.RFC3339Nano, f[0])
		began, err2 := time.Parse(time.RFC3339Nano, f[1])
		if err1 == nil && err2 == nil {
			lags = append(lags, began.Sub(due))
		}
	}
	fields["slots"] = len(lags)
	if due := int(s.last/time.Minute) * scalePipelines / scaleCrons; s.name != "idle" && len(lags) < due-scalePipelines/scaleCrons {
		t.Errorf("%d slots began, %d were due", len(lags), due)
	}
	if len(lags) == 0 {
		return
	}
	slices.Sort(lags)
	fields["lag_p50_ms"] = lags[len(lags)/2].Milliseconds()
	fields["lag_p99_ms"] = lags[len(lags)*99/100].Milliseconds()
	fields["lag_max_ms"] = lags[len(lags)-1].Milliseconds()
}

// cpu is the processor time of a process, in milliseconds.
func cpu(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("there is no /proc: %v", err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system, tick = 11, 12, 10 // milliseconds a tick
	var sum int64
	for _, i := range []int{user, system} {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n * tick
	}
	return sum
}

// memory is the resident memory of a process and its peak, in KiB.
func memory(t *testing.T, pid int) (now, peak int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(text), "\n") {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64) //nolint:errcheck // not one of the two
		switch f[0] {
		case "VmRSS:":
			now = n
		case "VmHWM:":
			peak = n
		}
	}
	return now, peak
}
