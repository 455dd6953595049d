package main

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// floor does a job by hand, in a process of its own: what the same parts reach
// without an engine.
func floor(name string) error {
	if name != "w3" {
		return fmt.Errorf("there is no floor %q", name)
	}
	db, err := sql.Open("postgres", os.Getenv("BENCH_URL"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	err = c.Raw(func(raw any) error {
		s, err := raw.(driver.Conn).Prepare("COPY bench_lines FROM STDIN")
		if err != nil {
			return err
		}
		if err := floorPages(ctx, s.(copyIn)); err != nil {
			return errors.Join(err, s.Close())
		}
		_, err = s.Exec(nil) //nolint:staticcheck // what the driver has for the end of a COPY
		return errors.Join(err, s.Close())
	})
	if err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}

// copyIn is what the driver gives for a COPY.
type copyIn interface {
	CopyData(ctx context.Context, text string) (driver.Result, error)
}

// floorInvoice is an invoice as the service sends it.
type floorInvoice struct {
	ID, Number, Status, Currency string
	Customer                     struct{ ID, Name string }
	IssuedOn                     string `json:"issued_on"`
	DueOn                        string `json:"due_on"`
	ChangedAt                    string `json:"changed_at"`
	Lines                        []struct {
		LineNo      int `json:"line_no"`
		Account     string
		Description string
		Quantity    int64
		UnitPrice   string `json:"unit_price"`
		TaxRate     string `json:"tax_rate"`
	}
}

func floorPages(ctx context.Context, out copyIn) error {
	host := strings.TrimPrefix(os.Getenv("BENCH_API"), "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	var text []byte
	for cursor := ""; ; {
		if _, err := fmt.Fprintf(conn, "GET /invoices?cursor=%s HTTP/1.1\r\nHost: %s\r\n\r\n", cursor, host); err != nil {
			return err
		}
		reply, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		var page struct {
			Items []floorInvoice
			Next  *string
		}
		err = json.NewDecoder(reply.Body).Decode(&page)
		if err := errors.Join(err, reply.Body.Close()); err != nil {
			return err
		}
		text = text[:0]
		for i := range page.Items {
			if page.Items[i].Status != "void" {
				text = page.Items[i].appendLines(text)
			}
		}
		// The driver adds the last line end.
		if _, err := out.CopyData(ctx, string(text[:max(0, len(text)-1)])); err != nil {
			return err
		}
		if page.Next == nil {
			return nil
		}
		cursor = *page.Next
	}
}

func (v *floorInvoice) appendLines(b []byte) []byte {
	for i := range v.Lines {
		l := &v.Lines[i]
		price := hundredths(l.UnitPrice, 2)
		net := price * l.Quantity
		tax := (net*hundredths(l.TaxRate, 4) + 5000) / 10000 // none is negative
		for _, field := range []string{v.ID, v.Number, v.Status, v.Customer.ID, v.Customer.Name, v.Currency, v.IssuedOn, v.DueOn, v.ChangedAt} {
			b = append(appendCopy(b, field), '\t')
		}
		b = append(strconv.AppendInt(b, int64(l.LineNo), 10), '\t')
		b = append(appendCopy(b, l.Account), '\t')
		b = append(appendCopy(b, l.Description), '\t')
		b = append(strconv.AppendInt(b, l.Quantity, 10), '\t')
		b = append(append(append(append(b, l.UnitPrice...), '\t'), l.TaxRate...), '\t')
		b = append(appendCents(b, net), '\t')
		b = append(appendCents(b, tax), '\n')
	}
	return b
}

// hundredths reads a decimal as a whole number of its digits-th parts.
func hundredths(text string, digits int) int64 {
	whole, part, _ := strings.Cut(text, ".")
	v, _ := strconv.ParseInt(whole+(part + "0000")[:digits], 10, 64)
	return v
}

func appendCents(b []byte, v int64) []byte { return fmt.Appendf(b, "%d.%02d", v/100, v%100) }

// appendCopy writes a text as COPY wants it.
func appendCopy(b []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\', '\t', '\n', '\r':
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}
