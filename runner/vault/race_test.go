package vault_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/oauth"
	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// These tests let processes of their own renew one refresh token, at the same
// time and while they are killed, and look at both ends: at a server that
// counts tokens sent again after they were spent, and at what is kept.

// soak reports whether the long counts are wanted.
func soak() bool { return os.Getenv("TIEOUT_SOAK") == "1" }

func many(soaked, usual int) int {
	if soak() {
		return soaked
	}
	return usual
}

// worker is another process.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts a process that keeps its tokens in a place.
func start(t *testing.T, s *oauth.Server, place, seed string, more ...string) *worker {
	t.Helper()
	w := &worker{cmd: exec.Command(os.Args[0])}
	w.cmd.Env = append(append(os.Environ(), childServer+"="+s.URL, childPlace+"="+place, childSeed+"="+seed), more...)
	in, err := w.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.in, w.out = in, bufio.NewScanner(out)
	t.Cleanup(w.end)
	return w
}

func (w *worker) end() {
	w.in.Close()
	w.cmd.Process.Kill()
	w.cmd.Wait()
}

// say gives the process a line and takes its answer, "" when it is dead.
func (w *worker) say(line string) string {
	if _, err := io.WriteString(w.in, line+"\n"); err != nil || line == "armed" || !w.out.Scan() {
		return ""
	}
	return w.out.Text()
}

// places are the states a vault lies beside.
func places(t *testing.T) map[string]func() string {
	return map[string]func() string{"files": t.TempDir, "postgres": func() string { return servers.Postgres(t) }}
}

// race lets two processes renew one token at the same time, round for round,
// and says what went wrong.
func race(t *testing.T, s *oauth.Server, place string, rounds int, more ...string) string {
	seed := s.Seed(t)
	pair := []*worker{start(t, s, place, seed, more...), start(t, s, place, seed, more...)}
	for round := range rounds {
		var answers [2]string
		var all sync.WaitGroup
		for i, w := range pair {
			all.Go(func() { answers[i] = w.say("refused") })
		}
		all.Wait()
		if answers[0] != answers[1] || !strings.HasPrefix(answers[0], "Bearer ") {
			return fmt.Sprintf("round %d: %q and %q", round, answers[0], answers[1])
		}
	}
	c := s.Counts()
	switch {
	case c.Given["refresh_token"] != rounds || c.Reused+c.Unknown > 0:
		return fmt.Sprintf("%+v after %d rounds", c, rounds)
	case !holds(t, place, s.URL, c.LastIssued):
		return "the token issued last is not the one that is kept"
	}
	return ""
}

func TestRaces(t *testing.T) {
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			s, rounds := oauth.New(t), many(1000, 15)
			started := time.Now()
			if wrong := race(t, s, place(), rounds); wrong != "" {
				t.Error(wrong)
			}
			c := s.Counts()
			line(t, map[string]any{"test": "two processes renew one token", "place": name, "races": rounds, "given": c.Given["refresh_token"], "reused": c.Reused,
				"seconds": int(time.Since(started).Seconds())})
		})
	}
}

// killed kills a process at one step of a renewal, looks at what is kept, and
// lets the next process go on. It says what went wrong.
func killed(t *testing.T, s *oauth.Server, place, step string, grace bool, more ...string) string {
	seed := s.Seed(t)
	w := start(t, s, place, seed, append(more, childKill+"="+step)...)
	if first := w.say("go"); !strings.HasPrefix(first, "Bearer ") {
		return "it does not begin: " + first
	}
	before := s.Counts()
	w.say("armed")
	if got := w.say("refused"); got != "" {
		return "it lives: " + got
	}
	after := s.Counts()
	// What was kept is issued last, unless the process died with the reply in
	// its hands: then it is the one it was given for.
	want := after.LastIssued
	if step == "received" {
		want = after.LastSpent
	}
	if !holds(t, place, s.URL, want) {
		return "killed " + step + ": another token is kept"
	}
	w = start(t, s, place, seed, more...)
	w.say("go")
	got := w.say("refused")
	end := s.Counts()
	reused := end.Reused - before.Reused
	switch {
	case step == "received" && !grace:
		if !strings.Contains(got, "broke off before its reply was kept") || reused != 0 && reused != 1 {
			return fmt.Sprintf("killed %s: the next says %q, %d reused", step, got, reused)
		}
		return ""
	case !strings.HasPrefix(got, "Bearer "), !grace && reused > 0:
		return fmt.Sprintf("killed %s: the next says %q, %d reused", step, got, reused)
	case !holds(t, place, s.URL, end.LastIssued):
		return "killed " + step + ": the next does not keep the token issued last"
	}
	return ""
}

func TestKilledAtEachStep(t *testing.T) {
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			kills, at := 0, place() // each server is another name in it, as all live to the end: no port comes twice
			graces := []bool{false, true}
			if name == "postgres" && !soak() {
				graces = graces[:1]
			}
			for _, step := range []string{"before", "intended", "received", "kept"} {
				for _, grace := range graces {
					for range many(25, 1) {
						s := oauth.New(t)
						if grace {
							s.Grace(time.Minute)
						}
						if wrong := killed(t, s, at, step, grace); wrong != "" {
							t.Error(wrong)
						}
						kills++
					}
				}
			}
			line(t, map[string]any{"test": "killed at each step of a renewal", "place": name, "kills": kills})
		})
	}
}

// TestKilledAtRandom kills processes at random moments of many renewals. What
// is kept is always either the token issued last, or the one it was given for
// together with the note that its renewal broke off.
func TestKilledAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for name, make := range places(t) {
		t.Run(name, func(t *testing.T) {
			s, place, lost, kills := oauth.New(t), make(), 0, many(500, 4)
			s.After(func(*oauth.Reply) { time.Sleep(time.Millisecond) })
			token := s.Seed(t)
			for i := range kills {
				w := start(t, s, place, token)
				w.say("go")
				wait := time.AfterFunc(time.Duration(random.IntN(15_000))*time.Microsecond, func() { w.cmd.Process.Kill() })
				for w.say("refused") != "" {
				}
				wait.Stop()
				w.cmd.Wait()
				next := start(t, s, place, token)
				next.say("go")
				got := next.say("refused")
				next.end()
				c := s.Counts()
				switch {
				case strings.Contains(got, "broke off before its reply was kept"):
					if !holds(t, place, s.URL, c.LastSpent) {
						t.Errorf("kill %d of seed %d: neither the last token nor the one before is kept", i, seed)
					}
					lost++
					token, place = s.Seed(t), make() // as after another consent
				case !strings.HasPrefix(got, "Bearer ") || !holds(t, place, s.URL, s.Counts().LastIssued):
					t.Fatalf("kill %d of seed %d: the next process says %q", i, seed, got)
				}
			}
			c := s.Counts()
			if c.Reused > lost {
				t.Errorf("%d tokens were sent again after %d replies were lost", c.Reused, lost)
			}
			line(t, map[string]any{"test": "killed at random moments of renewals", "place": name, "kills": kills, "renewals": c.Given["refresh_token"],
				"replies_lost_and_told": lost, "reused": c.Reused, "seed": seed})
		})
	}
}

// line prints one JSON line for the record of long runs.
func line(t *testing.T, fields map[string]any) {
	t.Helper()
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(text))
}
