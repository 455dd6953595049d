package alert

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// chatSize is the most a message to Google Chat may take, in bytes.
const chatSize = 32_000

// errURL says no more, because a parser's error quotes the URL.
var errURL = errors.New("the URL cannot be read")

type chatMessage struct {
	Text   string     `json:"text"`
	Cards  []chatCard `json:"cardsV2"`
	Thread struct {
		Key string `json:"threadKey"`
	} `json:"thread"`
}

type chatCard struct {
	ID   string `json:"cardId"`
	Card struct {
		Sections []chatSection `json:"sections"`
	} `json:"card"`
}

type chatSection struct {
	Header  string       `json:"header,omitempty"`
	Widgets []chatWidget `json:"widgets"`
}

type chatWidget struct {
	Paragraph chatParagraph `json:"textParagraph"`
}

type chatParagraph struct {
	Text string `json:"text"`
}

// chatBody renders letters for an incoming webhook of Google Chat, with as
// many of them as fit.
func chatBody(from Place, letters []Letter) []byte {
	for most := maxShown; ; most-- {
		shown, more := first(letters, most)
		body := encode(chatCards(from, letters, shown, more))
		if len(body) <= chatSize || most == 1 {
			return body
		}
	}
}

func chatCards(from Place, all, shown []Letter, more int) chatMessage {
	m := chatMessage{Text: escape(summary(from, all), slackHead), Cards: make([]chatCard, 1)}
	m.Thread.Key = threadKey(from, all)
	m.Cards[0].ID = "tieout"
	card := &m.Cards[0].Card
	for _, l := range shown {
		card.Sections = append(card.Sections, chatSectionOf(from, l))
	}
	if more > 0 {
		text := chatWidget{chatParagraph{fmt.Sprintf("and %d more: <i>tieout status</i>", more)}}
		card.Sections = append(card.Sections, chatSection{Widgets: []chatWidget{text}})
	}
	return m
}

func chatSectionOf(from Place, l Letter) chatSection {
	s := chatSection{Header: escape(cut(l.Event.Pipeline, maxName)+" "+says(l), slackHead)}
	var lines []string
	if l.Event.Message != "" {
		lines = append(lines, escape(l.Event.Message, slackMessage))
	}
	for _, d := range details(from, l) {
		lines = append(lines, fmt.Sprintf("<b>%s</b> %s", d.label, escape(d.value, slackContext/8)))
	}
	if c := command(l.Event); c != "" {
		lines = append(lines, "<i>"+escape(c, slackContext/8)+"</i>")
	}
	s.Widgets = []chatWidget{{chatParagraph{strings.Join(lines, "\n")}}}
	return s
}

// threadKey keeps what is said of one pipeline's trouble in one thread: that of
// the day it began. A message about several has the thread of the project's
// day.
func threadKey(from Place, letters []Letter) string {
	about, since := letters[0].Event.Pipeline, letters[0].Since
	for _, l := range letters {
		if l.Event.Pipeline != about {
			about = ""
		}
		if l.Since.Before(since) {
			since = l.Since
		}
	}
	day := since.In(from.zone()).Format("2006-01-02")
	if about == "" {
		return fmt.Sprintf("project:%s:%s:%s", from.Project, from.Environment, day)
	}
	return fmt.Sprintf("pipeline:%s:%s:%s:%s", from.Project, from.Environment, cut(about, maxName), day)
}

// chatURL asks for the message to be put in its thread.
func chatURL(webhook string) (string, error) {
	u, err := url.Parse(webhook)
	if err != nil {
		return "", errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", errURL
	}
	query.Set("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")
	u.RawQuery = query.Encode()
	return u.String(), nil
}
