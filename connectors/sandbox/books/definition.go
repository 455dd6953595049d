package books

import "strings"

// definition is a connection to the service, as it stands under connections:
// of tieout.yaml; URL and COMPANY stand for an address and a company.
const definition = `  books:
    connector: http
    base_url: URL/companies/COMPANY
    request_id: X-Request-Id
    replies:
      - { if: '=reply.body.error.code == "stale"', is: stale }
      - { if: '=reply.body.error.code == "duplicate"', is: duplicate, message: =reply.body.error.message }
      - { if: '=reply.body.error.code == "closed_period"', is: closed_period, message: =reply.body.error.message }
      - { status: 422, is: record, message: =reply.body.error.message }
    streams:
`

// stream is one of its streams; KIND stands for the kind of its documents.
const stream = `      KIND:
        request: { path: /KIND, query: { offset: =page.offset } }
        records: data
        key: [id]
        fields:
          { id: text, version: text, status: text, number: text, date: date, customer: text, note: text, total: decimal,
            lines: { type: list, fields: { account: text, text: text, amount: decimal } } }
        page: { by: offset }
        write:
          accepts:
            number: text
            date: DATE
            customer: PARTY
            total: TOTAL
            note: { type: text, optional: true }
            lines: { type: list, optional: true, fields: { account: text, text: text, amount: decimal } }
          idempotency: { in: header, name: Idempotency-Key, valid_for: 24h, replayed: Idempotent-Replayed }
          find:
            - { request: { path: "/KIND/{link.id}" }, id: id, version: version }
            - { request: { path: /KIND, query: { number: =record.number } }, id: id, version: version }
          create:
            request: { path: /KIND }
            body:
              number: =record.number
              date: =record.date
              customer: =record.customer
              note: =record.note
              total: =record.total
              lines: { each: =record.lines, account: =line.account, text: =line.text, amount: =line.amount }
            id: id
            version: version
          update:
            request: { method: PUT, path: "/KIND/{link.id}", headers: { If-Match: =link.version } }
            body:
              number: =record.number
              date: =record.date
              customer: =record.customer
              note: =record.note
              total: =record.total
              lines: { each: =record.lines, account: =line.account, text: =line.text, amount: =line.amount }
            id: id
            version: version
          void:
            request: { path: "/KIND/{link.id}/void", headers: { If-Match: =link.version } }
            id: id
            version: version
`

// Definition is a connection named books, to paste under connections: of
// tieout.yaml. url is where the service listens and company whose books are
// meant; some of the kinds may be left out.
func Definition(url, company string, kinds ...string) string {
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	optional := func(kind string) string { return "{ type: " + kind + ", optional: true }" }
	text := strings.NewReplacer("URL", url, "COMPANY", company).Replace(definition)
	for _, kind := range kinds {
		date, party, total := "date", "text", "decimal"
		if kind == "customers" {
			date, party, total = optional(date), optional(party), optional(total)
		}
		if kind == "journals" {
			party, total = optional(party), optional(total)
		}
		text += strings.NewReplacer("KIND", kind, "DATE", date, "PARTY", party, "TOTAL", total).Replace(stream)
	}
	return text
}
