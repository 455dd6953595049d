package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// These tests kill `tieout serve` with a schedule of one second. Each run
// appends two records that bear their slot's instant, so a slot that is lost
// or runs twice shows in the sink; the slots table must say the same.

// unattended is one project that is served.
type unattended struct {
	name            string
	state, sink     string // as tieout.yaml names them
	stateDB, sinkDB [2]string
	env             []string
	dir             string
}

func unattendedScenes(t *testing.T) []*unattended {
	url := servers.Postgres(t)
	lite, pg := &unattended{name: "sqlite"}, &unattended{name: "postgres"}
	for _, u := range []*unattended{lite, pg} {
		u.dir = filepath.Join(t.TempDir(), fmt.Sprintf("%s%d", u.name, os.Getpid()))
	}
	lite.state, lite.sink = ".tieout/state.db", "connector: sqlite, path: out.db"
	lite.stateDB = [2]string{"sqlite", "file:" + filepath.Join(lite.dir, ".tieout/state.db")}
	lite.sinkDB = [2]string{"sqlite", "file:" + filepath.Join(lite.dir, "out.db")}
	pg.state, pg.sink = "${env:KILL_URL}", `connector: postgres, url: "${env:KILL_URL}"`
	pg.stateDB, pg.sinkDB = [2]string{"postgres", url}, [2]string{"postgres", url}
	pg.env = []string{"KILL_URL=" + url}
	return []*unattended{lite, pg}
}

func (u *unattended) project() string { return "serve_" + filepath.Base(u.dir) }

func (u *unattended) build(t *testing.T) {
	write(t, u.dir, "tieout.yaml", fmt.Sprintf(`tieout: 1
project: %s
timezone: America/New_York
state: "%s"
connections:
  files: { connector: file, path: data }
  target: { %s }
serve: { listen: off, drain: 10s }
`, u.project(), u.state, u.sink))
	write(t, u.dir, "ticks.yaml", fmt.Sprintf(`pipeline: ticks
schedule: { every: 1s, catch_up: all, catch_up_max: 1000, overlap: queue }
retry: { attempts: 3, backoff: 1s }
source: { connection: files, stream: ticks.csv, fields: { amount: decimal } }
transforms:
  - set: { slot: 'format_date(run.as_of, "YYYY-MM-DD HH:mm:ss")' }
sink: { connection: target, stream: %s, mode: append }
`, u.project()))
	write(t, u.dir, "data/ticks.csv", "id,amount\n1,0.10\n2,0.20\n")
}

// start starts serving, with the real binary or with one that kills itself at
// a step.
func (u *unattended) start(t *testing.T, binary string, extra ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, "-C", u.dir, "serve")
	cmd.Env = append(append(os.Environ(), u.env...), extra...)
	if len(extra) > 0 {
		cmd.Env = append(cmd.Env, killArgs+"=-C "+u.dir+" serve")
	}
	log, err := os.OpenFile(filepath.Join(u.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log.Close()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

// settle serves until nothing is left to catch up with, and stops in order.
func (u *unattended) settle(t *testing.T, binary string) {
	t.Helper()
	// Not before it has made a slot itself: it listens to signals by then.
	begun := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	cmd := u.start(t, binary)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		open := query(t, u.stateDB[0], u.stateDB[1], "SELECT 'open', count(*) FROM tieout_slots WHERE project = '"+u.project()+"' AND status IN ('due', 'running')",
			"SELECT 'last', max(nominal) > '"+begun+"' FROM tieout_slots WHERE project = '"+u.project()+"'")
		if strings.Contains(open, "open|0|") && (strings.Contains(open, "last|1|") || strings.Contains(open, "last|true|")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: the slots do not settle: %s\n%s", u.name, open, u.log(t))
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Fatalf("%s: stopped with exit code %d\n%s", u.name, code, u.log(t))
	}
}

func (u *unattended) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(u.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 4000 {
		text = text[len(text)-4000:]
	}
	return string(text)
}

// check compares the slots table with the sink: every second from the first
// slot to the last has one slot, done, by a run whose two records are in the
// sink, and there is nothing else in it.
func (u *unattended) check(t *testing.T) (slots int, found string) {
	t.Helper()
	rows := lines(query(t, u.stateDB[0], u.stateDB[1], "SELECT nominal, status, run_id, reason FROM tieout_slots WHERE project = '"+u.project()+"' ORDER BY nominal"))
	want := map[string]string{} // run by slot
	var last time.Time
	for _, row := range rows {
		f := strings.Split(row, "|")
		at, err := time.Parse(time.RFC3339Nano, f[0])
		if err != nil {
			t.Fatal(err)
		}
		if !last.IsZero() && !at.Equal(last.Add(time.Second)) {
			return 0, fmt.Sprintf("between the slots %s and %s lie more than a second", last, at)
		}
		if last = at; f[1] != "done" {
			return 0, fmt.Sprintf("slot %s is %s: %s", f[0], f[1], f[3])
		}
		want[at.Format("2006-01-02 15:04:05")] = f[2]
	}
	loads := lines(query(t, u.sinkDB[0], u.sinkDB[1], "SELECT run_id FROM tieout_loads WHERE project = '"+u.project()+"' ORDER BY run_id"))
	if runs := slices.Sorted(maps.Values(want)); !slices.Equal(runs, loads) {
		return 0, fmt.Sprintf("the slots name %d runs, the ledger %d", len(runs), len(loads))
	}
	got := map[string]string{}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range lines(query(t, u.sinkDB[0], u.sinkDB[1], "SELECT slot, count(*), min(amount), max(amount) FROM "+u.project()+" GROUP BY slot ORDER BY slot")) {
		f := strings.Split(row, "|")
		at, err := time.ParseInLocation("2006-01-02 15:04:05", f[0], zone)
		if err != nil {
			t.Fatal(err)
		}
		if f[1] != "2" {
			return 0, fmt.Sprintf("slot %s left %s records in the sink, not 2", f[0], f[1])
		}
		got[at.UTC().Format("2006-01-02 15:04:05")] = "2"
	}
	if len(got) != len(want) {
		return 0, fmt.Sprintf("%d slots are done, %d are in the sink", len(want), len(got))
	}
	for slot := range want {
		if got[slot] == "" {
			return 0, fmt.Sprintf("slot %s is done and not in the sink", slot)
		}
	}
	return len(want), ""
}

// TestServeKilled kills the serving process at random moments.
func TestServeKilled(t *testing.T) {
	binary := buildBinary(t)
	kills := 8
	if soak() {
		kills = 50
	}
	seed := uint64(time.Now().UnixNano())
	for _, u := range unattendedScenes(t) {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 3))
			u.build(t)
			for range kills {
				cmd := u.start(t, binary)
				time.Sleep(time.Duration(200+random.IntN(1600)) * time.Millisecond)
				cmd.Process.Kill()
				cmd.Wait()
			}
			u.settle(t, binary)
			slots, wrong := u.check(t)
			if wrong != "" {
				t.Fatalf("%s\n%s", wrong, u.log(t))
			}
			line(t, map[string]any{"test": "serve killed at random moments", "scene": u.name, "kills": kills, "slots": slots, "lost": 0, "doubled": 0, "seed": seed})
		})
	}
}

// TestServeKilledAtSteps kills the serving process at each step of the walk of
// a run, the moment between the sink's commit and its note in the state among
// them.
func TestServeKilledAtSteps(t *testing.T) {
	binary := buildBinary(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	repeats := 1
	if soak() {
		repeats = 5
	}
	u := unattendedScenes(t)[0]
	u.build(t)
	kills := 0
	for range repeats {
		for _, step := range slices.Sorted(maps.Keys(killSteps)) {
			u.killAt(t, self, step)
			kills++
		}
	}
	u.settle(t, binary)
	slots, wrong := u.check(t)
	if wrong != "" {
		t.Fatalf("%s\n%s", wrong, u.log(t))
	}
	line(t, map[string]any{"test": "serve killed at each step", "scene": u.name, "kills": kills, "slots": slots, "lost": 0, "doubled": 0})
}

// killAt serves until a run kills the process at a step.
func (u *unattended) killAt(t *testing.T, self, step string, extra ...string) {
	t.Helper()
	cmd := u.start(t, self, append(extra, killAt+"="+step+":2")...)
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("the process was not killed at %q\n%s", step, u.log(t))
	}
}
