package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

const w3Table = `invoice_id text, number text, status text, customer_id text, customer_name text, currency text, issued_on date, due_on date,
	updated_at timestamptz, line_no int, account text, description text, quantity int, unit_price numeric(12,2), tax_rate numeric(6,4),
	net_amount numeric(14,2), tax_amount numeric(14,2)`

// w3Check wants every line of every invoice that is not void, once, and its
// amounts as the server computes them.
const w3Check = `SELECT greatest(0, %[1]d - count(*)), greatest(0, count(*) - %[1]d) + count(*) - count(DISTINCT (invoice_id, line_no)),
	count(*) FILTER (WHERE net_amount <> quantity * unit_price OR tax_amount <> round(quantity * unit_price * tax_rate, 2)) FROM bench_lines`

const w3Project = `tieout: 1
project: bench
connections:
  api:
    connector: http
    base_url: "${env:BENCH_API}"
    streams:
      invoices:
        request: { path: /invoices, query: { cursor: =page.token } }
        records: items
        key: [id]
        page: { by: token, next: next }
        fields:
          issued_on: date
          due_on: date
          changed_at: timestamp
          lines: { type: list, fields: { line_no: integer, account: text, description: text, quantity: integer, unit_price: { type: decimal, scale: 2 }, tax_rate: decimal } }
          customer: { type: record, fields: { id: text, name: text } }
  db: { connector: postgres, url: "${env:BENCH_URL}" }
`

const w3Pipeline = `pipeline: invoices
source: { connection: api, stream: invoices }
transforms:
  - filter: status != "void"
  - explode: { list: lines }
  - set:
      net_amount: quantity * unit_price
      tax_amount: round(quantity * unit_price * tax_rate, 2)
      customer_id: customer.id
      customer_name: customer.name
  - rename: { invoice_id: id, updated_at: changed_at }
  - select: [invoice_id, number, status, customer_id, customer_name, currency, issued_on, due_on, updated_at, line_no, account, description,
      quantity, unit_price, tax_rate, net_amount, tax_amount]
sink: { connection: db, stream: bench_lines, mode: append }
`

// w3 is a service's invoices of three lines each to PostgreSQL, beside the
// same job written by hand with encoding/json and COPY.
func (b *bench) w3() error {
	invoices := b.rows / 2
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	api := &invoiceServer{count: invoices}
	server := &http.Server{Handler: api}
	go server.Serve(listener)             //nolint:errcheck // it ends with Close
	defer func() { _ = server.Close() }() // nobody reads any more
	if err := os.Setenv("BENCH_API", "http://"+listener.Addr().String()); err != nil {
		return err
	}
	project := filepath.Join(b.dir, "w3")
	if err := writeFiles(project, map[string]string{"tieout.yaml": w3Project, "invoices.yaml": w3Pipeline}); err != nil {
		return err
	}
	if _, err := b.db.Exec("DROP TABLE IF EXISTS bench_lines; CREATE UNLOGGED TABLE bench_lines (" + w3Table + ")"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	check := b.exactly(fmt.Sprintf(w3Check, api.lines()))
	list := []*contestant{
		{name: "written by hand: encoding/json, COPY (anchor)", before: "truncate bench_lines", command: []string{self, "-floor", "w3"}, check: check},
		{name: "tieout, whole job", before: "truncate bench_lines", command: []string{b.tieout, "-C", project, "run", "invoices"}, check: check},
		{name: "written by hand again (A/A)", before: "truncate bench_lines", command: []string{self, "-floor", "w3"}, check: check},
	}
	if err := b.compare(b.runs, list); err != nil {
		return err
	}
	table(fmt.Sprintf("W3: a service to PostgreSQL, %d invoices, %d lines", invoices, api.lines()), invoices, list[0], list)
	return nil
}

// invoiceServer makes pages of 1,000 invoices from their numbers.
type invoiceServer struct{ count int }

const w3Page = 1000

// void tells which invoices the job leaves out.
func void(i int) bool { return i%50 == 13 }

// lines is how many lines the job loads.
func (s *invoiceServer) lines() int {
	n := 0
	for i := range s.count {
		if !void(i) {
			n += 3
		}
	}
	return n
}

// ServeHTTP gives the page behind a cursor.
func (s *invoiceServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	b := append(make([]byte, 0, 800*w3Page), `{"items":[`...)
	for i := from; i < min(from+w3Page, s.count); i++ {
		if i > from {
			b = append(b, ',')
		}
		b = appendInvoice(b, i)
	}
	if next := from + w3Page; next < s.count {
		b = fmt.Appendf(b, `],"next":"%d"}`, next)
	} else {
		b = append(b, `],"next":null}`...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b) // the reader notices what is cut
}

func appendInvoice(b []byte, i int) []byte {
	status := [...]string{"open", "paid", "partly paid"}[i%3]
	if void(i) {
		status = "void"
	}
	h := uint32(i) * 2654435761
	b = fmt.Appendf(b, `{"id":"i-%d","number":"A%07d","status":"%s","customer":{"id":"c%d","name":"Customer Nr %d"},"currency":"%s","issued_on":"20%02d-%02d-%02d","due_on":"20%02d-%02d-28","changed_at":"2026-02-%02dT08:15:00Z","note":null,"lines":[`,
		i, i, status, h%19997, h%19997, currencies[i%len(currencies)], 19+h%7, 1+h%12, 1+h%28, 20+h%7, 1+h%12, 1+i%28)
	for l := range uint32(3) {
		if l > 0 {
			b = append(b, ',')
		}
		g := h ^ (l+1)*40503
		b = fmt.Appendf(b, `{"line_no":%d,"account":"%d","description":"%s","quantity":%d,"unit_price":"%d.%02d","tax_rate":"%s"}`,
			l+1, 4000+g%7*10, [...]string{"Rent, unit 4", "Parking", `Water \"metered\"`, "Course seat", "Retention"}[g%5], 1+g%9, 5+g%3900, g%100, [...]string{"0.00", "0.05", "0.0825", "0.20"}[g>>8&3])
	}
	return append(b, "]}"...)
}
