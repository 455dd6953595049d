package alert

import (
	"fmt"
	"strings"
)

// What a section of Slack's may hold is 3,000 characters, and a message 50
// blocks; maxShown letters of two blocks each and the two around them stay
// below.
const (
	slackHead    = 400
	slackMessage = 2400
	slackContext = 2000
)

type slackMessageBody struct {
	Text   string       `json:"text"` // for notifications
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func slackSection(text string) slackBlock {
	return slackBlock{Type: "section", Text: &slackText{"mrkdwn", text}}
}

func slackNote(text string) slackBlock {
	return slackBlock{Type: "context", Elements: []slackText{{"mrkdwn", text}}}
}

// slackBody renders letters for an incoming webhook of Slack.
func slackBody(from Place, letters []Letter) []byte {
	shown, more := first(letters, maxShown)
	body := slackMessageBody{Text: escape(summary(from, letters), slackHead)}
	body.Blocks = append(body.Blocks, slackNote(body.Text))
	for _, l := range shown {
		text := fmt.Sprintf("*%s* %s", escape(plainly(l.Event.Pipeline), slackHead/2), says(l))
		if l.Event.Message != "" {
			text += "\n" + escape(plainly(l.Event.Message), slackMessage)
		}
		body.Blocks = append(body.Blocks, slackSection(text))
		if note := slackDetails(from, l); note != "" {
			body.Blocks = append(body.Blocks, slackNote(note))
		}
	}
	if more > 0 {
		body.Blocks = append(body.Blocks, slackNote(fmt.Sprintf("and %d more: `tieout status`", more)))
	}
	return encode(body)
}

func slackDetails(from Place, l Letter) string {
	var parts []string
	for _, d := range details(from, l) {
		parts = append(parts, d.label+" "+escape(plainly(d.value), slackContext/8))
	}
	if c := command(l.Event); c != "" {
		parts = append(parts, "`"+escape(plainly(c), slackContext/8)+"`")
	}
	return strings.Join(parts, " · ")
}

// plainly keeps a text from opening code; other marks only change its weight.
func plainly(text string) string { return strings.ReplaceAll(text, "`", "'") }
