// Package chat is a stand-in for the chats that alerts go to: the incoming
// webhooks of Slack and Google Chat, and a plain webhook, as one http.Handler.
// It checks what the vendors check, keeps what it accepted, limits the rate,
// and answers with faults it was told to. Tests and dry runs use it; nothing
// in production does.
//
//	/slack/services/T…/B…/token             Slack; the token may be one of its error words
//	/v1/spaces/SPACE/messages?key=&token=   Google Chat
//	/hook/…                                 a plain webhook
//
// Its limits: it keeps messages in memory up to a number, renders nothing,
// knows no users, channels or scopes, checks the form of blocks and cards but
// not every key of them, and counts rates from the first request it saw, where
// the vendors allow short bursts. Its words of refusal are those the vendors
// document; others they have are left out.
//
// Read server.go first.
package chat
