package chat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors/sandbox/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func post(s *chat.Server, path, body string) (status int, text string, header http.Header) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}

const (
	slackPath = "/slack/services/T1/B1/token"
	spacePath = "/v1/spaces/AAA/messages?key=k&token=t"
	good      = `{"text":"hello"}`
)

func TestSlack(t *testing.T) {
	sections := func(n, size int) string {
		block := fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, strings.Repeat("x", size))
		return `{"blocks":[` + strings.TrimSuffix(strings.Repeat(block+",", n), ",") + `]}`
	}
	for _, test := range []struct {
		path, body string
		status     int
		text       string
	}{
		{slackPath, good, 200, "ok"},
		{slackPath, `{`, 400, "invalid_payload"},
		{slackPath, `{}`, 400, "no_text"},
		{slackPath, sections(50, 3000), 200, "ok"},
		{slackPath, sections(51, 1), 400, "invalid_blocks"},
		{slackPath, sections(1, 3001), 400, "invalid_blocks"},
		{slackPath, sections(1, 0), 400, "invalid_blocks"},
		{"/slack/services/T1/B1/no_service", good, 404, "no_service"},
		{"/slack/services/T1/B1/channel_is_archived", good, 410, "channel_is_archived"},
		{"/slack/services/T1", good, 404, "no_team"},
		{"/elsewhere", good, 404, "404 page not found"},
	} {
		s := chat.New(nil)
		status, text, _ := post(s, test.path, test.body)
		if status != test.status || text != test.text {
			t.Errorf("%s %.40s: %d %s, want %d %s", test.path, test.body, status, text, test.status, test.text)
		}
		if kept := len(s.Messages(chat.Slack)); (kept == 1) != (status == 200) {
			t.Errorf("%s %.40s: %d messages kept", test.path, test.body, kept)
		}
	}
}

func TestGoogleChat(t *testing.T) {
	for _, test := range []struct {
		path, body string
		status     int
		word       string
	}{
		{spacePath, good, 200, ""},
		{"/v1/spaces/AAA/messages?key=k", good, 401, "UNAUTHENTICATED"},
		{spacePath, `[]`, 400, "INVALID_ARGUMENT"},
		{spacePath, `{}`, 400, "INVALID_ARGUMENT"},
		{spacePath, `{"text":"` + strings.Repeat("x", 32_000) + `"}`, 400, "INVALID_ARGUMENT"},
	} {
		status, text, _ := post(chat.New(nil), test.path, test.body)
		var reply struct{ Error struct{ Status string } }
		if err := json.Unmarshal([]byte(text), &reply); err != nil || status != test.status || reply.Error.Status != test.word {
			t.Errorf("%s %.40s: %d %s", test.path, test.body, status, text)
		}
	}
	s := chat.New(nil)
	thread := func(query, body string) string {
		_, text, _ := post(s, spacePath+query, body)
		var reply struct{ Thread struct{ Name string } }
		if err := json.Unmarshal([]byte(text), &reply); err != nil {
			t.Fatal(err)
		}
		return reply.Thread.Name
	}
	const reply, keyed = "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", `{"text":"x","thread":{"threadKey":"a"}}`
	if first, again := thread(reply, keyed), thread(reply, keyed); first != again {
		t.Error("one key is one thread")
	}
	if first, again := thread("", keyed), thread("", keyed); first == again {
		t.Error("without the option each message is a thread")
	}
}

func TestRates(t *testing.T) {
	c := &clock{at: time.Unix(0, 0)}
	s := chat.New(c.now)
	want := func(path string, status int) {
		t.Helper()
		if got, _, header := post(s, path, good); got != status {
			t.Errorf("%s: %d, want %d", path, got, status)
		} else if got == 429 && strings.HasPrefix(path, "/slack") && header.Get("Retry-After") != "1" {
			t.Error("slack does not say when")
		}
	}
	want(slackPath, 200)
	want(slackPath, 429)
	want(slackPath+"2", 200)
	c.pass(time.Second)
	want(slackPath, 200)
	for range 60 {
		want(spacePath, 200)
	}
	want(spacePath, 429)
	c.pass(59 * time.Second)
	want(spacePath, 429)
	c.pass(time.Second)
	want(spacePath, 200)
}

func TestScript(t *testing.T) {
	s := chat.New(nil)
	server := httptest.NewServer(s)
	defer server.Close()
	s.Script(chat.Webhook, chat.Fault{Status: 503, RetryAfter: "9", Body: "busy"}, chat.Fault{Reset: true, Keep: true}, chat.Fault{Hang: time.Minute})
	client := &http.Client{Timeout: 100 * time.Millisecond}
	defer client.CloseIdleConnections()
	send := func() (int, error) {
		response, err := client.Post(server.URL+"/hook/a", "application/json", strings.NewReader(good))
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode, nil
	}
	for i, want := range []int{503, 0, 0, 204} {
		if got, err := send(); got != want || (err != nil) != (want == 0) {
			t.Errorf("request %d: %d, %v; want %d", i, got, err, want)
		}
	}
	if got := len(s.Messages(chat.Webhook)); got != 2 || s.Requests(chat.Webhook) != 4 {
		t.Errorf("%d kept of %d, want the one whose reply was lost and the last of 4", got, s.Requests(chat.Webhook))
	}
}
