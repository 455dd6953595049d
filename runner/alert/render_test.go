package alert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors/sandbox/chat"
	"github.com/tieout/tieout/runner/alert"
)

var update = flag.Bool("update", false, "write the golden files again")

var kinds = []string{alert.ToSlack, alert.ToGoogleChat, alert.ToWebhook}

func chicago(t interface{ Fatal(...any) }) alert.Place {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return alert.Place{Project: "maple-court", Environment: "production", Zone: zone}
}

// samples are letters of every kind.
func samples() map[string][]alert.Letter {
	base := alert.Event{
		Kind: alert.Failed, Pipeline: "rent_roll", Target: "finance", RunID: "0199aa10-0000-7000-8000-000000000001",
		Slot: start.Add(4 * time.Hour), Local: "2026-11-21T06:00:00-06:00", At: start.Add(4*time.Hour + 30*time.Second), Code: "net.unreachable",
		Message: `The source "books & co" <main> did not answer in 30s.`, Owner: "finance-ops@example.com", Next: start.Add(28 * time.Hour),
	}
	letter := func(kind alert.Kind, change func(*alert.Letter)) alert.Letter {
		l := alert.Letter{ID: 7, Target: "finance/slack", Event: base, Since: base.At, CreatedAt: base.At}
		l.Event.Kind = kind
		change(&l)
		return l
	}
	still := letter(alert.Failed, func(l *alert.Letter) { l.ID, l.Repeats, l.Since = 8, 5, start.Add(-48*time.Hour) })
	blocked := letter(alert.Blocked, func(l *alert.Letter) {
		l.ID, l.Event.Code, l.Event.Message, l.Event.Hint = 9, "gate.blocked", "2 of 3 conditions of the gate are not met.", "tieout quarantine list rent_roll"
	})
	late := letter(alert.Late, func(l *alert.Letter) {
		l.ID, l.Event = 10, alert.Event{Kind: alert.Late, Pipeline: "gl_export", Target: "finance", At: start, Message: "No success for 26h, and it promises to be fresh within 25h."}
		l.Since = start
	})
	resolved := letter(alert.Resolved, func(l *alert.Letter) {
		l.ID, l.Since = 11, start
		l.Event = alert.Event{Kind: alert.Resolved, Pipeline: "rent_roll", Target: "finance", RunID: base.RunID, At: base.At, Message: "It lasted 4h 0m: failed (net.unreachable).", Owner: base.Owner}
	})
	return map[string][]alert.Letter{
		"failed": {letter(alert.Failed, func(*alert.Letter) {})}, "still": {still}, "blocked": {blocked}, "late": {late}, "resolved": {resolved},
		"several": {resolved, still, blocked, late},
	}
}

func TestGoldenMessages(t *testing.T) {
	for name, letters := range samples() {
		for _, kind := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				var got bytes.Buffer
				if err := json.Indent(&got, alert.Preview(kind, chicago(t), letters), "", "  "); err != nil {
					t.Fatal(err)
				}
				got.WriteByte('\n')
				file := filepath.Join("testdata", name+"."+kind+".json")
				if *update {
					if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("%s (-want +got; go test -update writes it)\n%s", file, diff)
				}
			})
		}
	}
	if alert.Preview("pigeon", chicago(t), samples()["late"]) != nil || alert.Preview(alert.ToSlack, chicago(t), nil) != nil {
		t.Error("there is a preview of nothing")
	}
}

// Whatever the texts hold, messages are valid and within the vendors' limits,
// and nothing in them is markup of Slack's or a card's.
func TestMessagesFit(t *testing.T) {
	nasty := rapid.SampledFrom([]string{"", "rent_roll", strings.Repeat("&", 600), strings.Repeat("<!channel>", 60), strings.Repeat("\u20ac", 500),
		"<b>bold</b>", "`tick` *star*", strings.Repeat("\"\\", 300), "a\x00b\xff", strings.Repeat("😀", 500), "<https://evil.example|click>"})
	rapid.Check(t, func(rt *rapid.T) {
		var letters []alert.Letter
		for i := range rapid.IntRange(1, 60).Draw(rt, "letters") {
			letters = append(letters, alert.Letter{ID: int64(i), Target: "t/slack", Repeats: rapid.IntRange(0, 3).Draw(rt, "repeats"), Since: start, Event: alert.Event{
				Kind:     rapid.SampledFrom([]alert.Kind{alert.Failed, alert.Blocked, alert.Late, alert.Resolved}).Draw(rt, "kind"),
				Pipeline: nasty.Draw(rt, "pipeline"), Message: nasty.Draw(rt, "message"), Hint: nasty.Draw(rt, "hint"), Owner: nasty.Draw(rt, "owner"),
				Code: nasty.Draw(rt, "code"), RunID: nasty.Draw(rt, "run"), Local: nasty.Draw(rt, "local"), Slot: start, Next: start, At: start.Add(time.Hour),
			}})
		}
		from := chicago(rt)
		slack, google := alert.Preview(alert.ToSlack, from, letters), alert.Preview(alert.ToGoogleChat, from, letters)
		if problem := chat.SlackProblem(slack); problem != "" {
			rt.Fatalf("slack: %s in %s", problem, slack)
		}
		if len(google) > 32_000 {
			rt.Fatalf("%d bytes for google chat", len(google))
		}
		for _, body := range [][]byte{slack, google, alert.Preview(alert.ToWebhook, from, letters)} {
			if !json.Valid(body) || !utf8.Valid(body) {
				rt.Fatalf("not JSON: %s", body)
			}
		}
		google, _, _ = bytes.Cut(google, []byte(`"thread":`)) // a key shows nowhere
		for _, mark := range []string{"<!", "<http", "<b>bold"} {
			if bytes.Contains(slack, []byte(mark)) || bytes.Contains(google, []byte(mark)) {
				rt.Fatalf("%s is in a message", mark)
			}
		}
	})
}

func TestThreads(t *testing.T) {
	key := func(letters ...alert.Letter) string {
		var m struct{ Thread struct{ ThreadKey string } }
		if err := json.Unmarshal(alert.Preview(alert.ToGoogleChat, chicago(t), letters), &m); err != nil {
			t.Fatal(err)
		}
		return m.Thread.ThreadKey
	}
	s := samples()
	if got, want := key(s["resolved"]...), "pipeline:maple-court:production:rent_roll:2026-11-21"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	evening := s["failed"][0]
	evening.Since = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) // still the 21st in Chicago
	if got := key(evening); !strings.HasSuffix(got, ":2026-11-21") {
		t.Errorf("the day is not local: %q", got)
	}
	if got := key(s["several"]...); !strings.HasPrefix(got, "project:maple-court:production:") {
		t.Errorf("several pipelines: %q", got)
	}
}

func ExamplePreview() {
	from := alert.Place{Project: "maple-court"}
	letter := alert.Letter{Event: alert.Event{Kind: alert.Late, Pipeline: "rent_roll", At: start, Message: "No success for 26h."}, Since: start}
	fmt.Println(string(alert.Preview(alert.ToSlack, from, []alert.Letter{letter})))
	// Output: {"text":"rent_roll is late (maple-court)","blocks":[{"type":"context","elements":[{"type":"mrkdwn","text":"rent_roll is late (maple-court)"}]},{"type":"section","text":{"type":"mrkdwn","text":"*rent_roll* is late\nNo success for 26h."}},{"type":"context","elements":[{"type":"mrkdwn","text":"`tieout status rent_roll`"}]}]}
}
