package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/faults"
)

// These tests break the connection between the real binary and a server at
// moments spread over the bytes of a run, and want what an undisturbed run
// leaves once a plain one has followed. A run that says it is done must be.

// faulty is a scene whose server stands behind a proxy.
type faulty struct {
	scene
	proxy *faults.Proxy
	// kinds are the faults that make sense there.
	kinds []faults.Kind
}

// kindsOf are the ways any connection breaks.
func kindsOf(more ...faults.Kind) []faults.Kind {
	return append([]faults.Kind{faults.Cut, faults.Reset, faults.Stall, faults.HalfClose, faults.Down, faults.Slow}, more...)
}

// behind puts a proxy before the server of a URL and gives the URL through it.
func behind(t *testing.T, address string) (*faults.Proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := faults.New(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	u.Host = p.Address()
	return p, u.String()
}

// faultRows keeps a run short: what counts is how many bytes pass.
const faultRows = 1200

// stall is longer than the timeouts of the scenes.
const stall = 1500 * time.Millisecond

// moments gives n faults spread over the bytes that pass each way.
func (f *faulty) moments(n int, up, down int64, random *rand.Rand) []faults.Fault {
	var list []faults.Fault
	for i := range n {
		way, total := faults.Way(i%2), up
		if way == faults.ToProgram {
			total = down
		}
		slice := max(1, total*2/int64(n))
		at := min(total-1, int64(i/2)*slice+random.Int64N(slice))
		list = append(list, faults.Fault{Kind: f.kinds[i%len(f.kinds)], Way: way, At: at, Pause: stall})
	}
	random.Shuffle(n, func(i, j int) { list[i].Kind, list[j].Kind = list[j].Kind, list[i].Kind })
	for i := range list {
		if list[i].Kind == faults.Lose && list[i].Way == faults.ToServer {
			list[i].Kind = faults.Cut // a request with other words in it would be another request
		}
	}
	return list
}

// try runs the program, which may fail. It gives the exit code.
func (f *faulty) try(t *testing.T, binary, dir string, extra ...string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-C", dir, "run", "charges")
	cmd.Env = append(append(os.Environ(), f.env...), extra...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s: the run hangs\n%s", f.name, out)
	case err == nil:
		return 0
	case !errors.As(err, &exit) || exit.ExitCode() != 1 && exit.ExitCode() != 3:
		t.Errorf("%s: %v\n%s", f.name, err, out)
	}
	return cmd.ProcessState.ExitCode()
}

// TestFaults breaks connections.
func TestFaults(t *testing.T) {
	binary := buildBinary(t)
	count := 10
	if soak() {
		count = 200
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for n, f := range faultScenes(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			dir := f.prepare(t, binary, fmt.Sprintf("fc%d", n))
			f.proxy.Arm(nil)
			f.run(t, binary, dir)
			up, down := f.proxy.Passed()
			want := f.state(t, dir)
			if !strings.Contains(want, "-2") || strings.Count(want, "\n") < f.size() {
				t.Fatalf("the control is not what it should be:\n%.500s", want)
			}
			result := map[string]any{"test": "connections broken", "scene": f.name, "faults": count, "seed": seed, "bytes": up + down}
			codes := map[int]int{}
			for i, fault := range f.moments(count, up, down, random) {
				code, wrong := f.hit(t, binary, fmt.Sprintf("f%d_%d", n, i), fault, want)
				if codes[code]++; wrong != "" {
					t.Errorf("%s, %s: %s", f.name, fault, wrong)
				}
			}
			for code, times := range codes {
				result[fmt.Sprintf("exit_%d", code)] = times
			}
			line(t, result)
		})
	}
}

// hit strikes once in a second run and follows it with a plain one. It gives
// the exit code, -1 when the fault did not come because fewer bytes passed, and
// what is wrong afterwards.
//
// The run that is struck may be one with a planted bug: extra is its
// environment, and it is this test binary.
func (f *faulty) hit(t *testing.T, binary, name string, fault faults.Fault, want string, extra ...string) (code int, wrong string) {
	t.Helper()
	f.proxy.Arm(nil)
	dir := f.prepare(t, binary, name)
	defer os.RemoveAll(dir)
	f.proxy.Arm(&fault)
	struckBy := binary
	if len(extra) > 0 {
		struckBy, extra = os.Args[0], append(extra, killAt+"=none:0", killArgs+"=-C "+dir+" run charges")
	}
	code = f.try(t, struckBy, dir, extra...)
	struck := f.proxy.Struck()
	f.proxy.Arm(nil)
	if code == 0 {
		if got := f.state(t, dir); got != want {
			return code, "the run said it was done, and left something else\n" + firstDifference(want, got)
		}
	}
	f.run(t, binary, dir)
	if got := f.state(t, dir); got != want {
		return code, "after a rerun the state differs from the control\n" + firstDifference(want, got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tieout/spool/*")); len(left) > 0 {
		return code, fmt.Sprintf("%v is left", left)
	}
	if !struck {
		code = -1
	}
	return code, ""
}
