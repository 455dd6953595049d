package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soak reports whether the long counts are wanted.
func soak() bool { return os.Getenv("TIEOUT_SOAK") == "1" }

func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tieout")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// prepare makes a project whose first load is done and whose input has
// changed since.
func (s *scene) prepare(t *testing.T, binary, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	s.build(t, dir)
	s.run(t, binary, dir)
	s.put(t, dir, 1)
	return dir
}

// control is what an undisturbed program leaves.
func (s *scene) control(t *testing.T, binary, name string) string {
	t.Helper()
	dir := s.prepare(t, binary, name)
	s.run(t, binary, dir)
	want := s.state(t, dir)
	if !strings.Contains(want, "-2") || strings.Count(want, "\n") < s.size() {
		t.Fatalf("the control is not what it should be:\n%.500s", want)
	}
	return want
}

// compare runs a killed project again and compares.
func (s *scene) compare(t *testing.T, binary, dir, want, what string) {
	t.Helper()
	s.run(t, binary, dir)
	if got := s.state(t, dir); got != want {
		t.Errorf("%s, %s: after a rerun the state differs from the control\n%s", s.name, what, firstDifference(want, got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "nothing", "nothing"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d of %d and %d:\n  want %s\n  got  %s", i+1, len(w), len(g), a, b)
		}
	}
	return ""
}

// TestKillSteps kills the program at each step of the walk.
func TestKillSteps(t *testing.T) {
	binary := buildBinary(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	repeats := 1
	if soak() {
		repeats = 10
	}
	for n, s := range scenes(t) {
		t.Run(s.name, func(t *testing.T) {
			want := s.control(t, binary, fmt.Sprintf("c%d", n))
			kills := 0
			for step, passes := range killSteps {
				for i := range repeats {
					dir := s.prepare(t, binary, fmt.Sprintf("s%d_%s_%d", n, strings.ReplaceAll(step, " ", ""), i))
					at := fmt.Sprintf("%s:%d", step, 1+i%passes)
					if !s.run(t, self, dir, killAt+"="+at) {
						t.Fatalf("the program was not killed at %s", at)
					}
					kills++
					s.compare(t, binary, dir, want, "killed at "+at)
					os.RemoveAll(dir)
				}
			}
			line(t, map[string]any{"test": "kill at each step", "scene": s.name, "kills": kills, "steps": len(killSteps)})
		})
	}
}

// TestKillRandom kills the real binary at random moments of its run.
func TestKillRandom(t *testing.T) {
	binary := buildBinary(t)
	kills := 4
	if soak() {
		kills = 200
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for n, s := range scenes(t) {
		t.Run(s.name, func(t *testing.T) {
			want := s.control(t, binary, fmt.Sprintf("rc%d", n))
			landed := 0
			for i := 0; landed < kills && i < 4*kills; i++ {
				dir := s.prepare(t, binary, fmt.Sprintf("r%d_%d", n, i))
				if s.killAfter(t, binary, dir, time.Duration(random.IntN(60_000))*time.Microsecond) {
					landed++
				}
				s.compare(t, binary, dir, want, fmt.Sprintf("kill %d of seed %d", i, seed))
				os.RemoveAll(dir)
			}
			if landed < kills {
				t.Errorf("only %d kills landed while the program ran", landed)
			}
			line(t, map[string]any{"test": "kill at random moments", "scene": s.name, "kills": landed, "seed": seed})
		})
	}
}

// killAfter starts the real binary and kills it after a while; false means
// that it had ended by then.
func (s *scene) killAfter(t *testing.T, binary, dir string, wait time.Duration) bool {
	t.Helper()
	cmd := exec.Command(binary, "-C", dir, "run", "charges")
	cmd.Env = append(os.Environ(), s.env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wait)
	cmd.Process.Kill()
	cmd.Wait()
	return !cmd.ProcessState.Exited()
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
