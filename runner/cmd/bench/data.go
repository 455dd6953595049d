package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// column names of the CSV job, as a property system would export them.
const csvHeader = "Charge ID,Lease Ref,Prop Code,unit_no,tenant_name,charge_type,period_start,period_end,occupied_from,Amt,currency,memo\n"

var (
	chargeTypes = []string{"RENT", "RENT", "RENT", "CAM", "PARKING", "UTILITY"}
	currencies  = []string{"USD", "USD", "CAD", "GBP", "EUR"}
	tenants     = []string{"Tenant One", "Mieter Zwölf", "O'Brien Ltd", "Société Nº 4"}
	memos       = []string{"monthly charge", "per lease, section 4", "said \"\"call first\"\"", "", "late; see file"}
	cents       = []int{0, 0, 50, 95, 99, 5, 25}
)

// writeCharges writes the CSV: about 2 % of the rows are VOID, 0.3 % break a
// rule, and many amounts prorate to exactly half a cent.
func writeCharges(path string, rows int, seed uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	r := rand.New(rand.NewPCG(seed, 42))
	fmt.Fprint(w, csvHeader)
	for i := range rows {
		writeCharge(w, r, i+1)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func writeCharge(w *bufio.Writer, r *rand.Rand, id int) {
	start := time.Date(2018, time.Month(1+r.IntN(96)), 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(0, 1, -1)
	kind := chargeTypes[r.IntN(len(chargeTypes))]
	if r.IntN(50) == 0 {
		kind = "VOID"
	}
	amount := fmt.Sprintf("%d.%02d", 40+r.IntN(5000), cents[r.IntN(len(cents))])
	currency := currencies[r.IntN(len(currencies))]
	occupied := ""
	switch r.IntN(3) {
	case 0:
		occupied = start.AddDate(0, 0, r.IntN(end.Day())).Format(time.DateOnly)
	case 1:
		occupied = start.AddDate(0, -r.IntN(15), 0).Format(time.DateOnly)
	}
	switch r.IntN(1000) {
	case 0:
		amount = "-" + amount
	case 1:
		currency = "XXX"
	case 2:
		start, end = end, start.AddDate(0, 0, -1)
	}
	memo := memos[r.IntN(len(memos))]
	if strings.ContainsAny(memo, ",\"") {
		memo = "\"" + memo + "\""
	}
	fmt.Fprintf(w, "%d,L-%d,pr%d,%d,%s,%s,%s,%s,%s,%s,%s,%s\n", id, 100000+r.IntN(400000), 1000+r.IntN(900), 1+r.IntN(400),
		tenants[r.IntN(len(tenants))], kind, start.Format(time.DateOnly), end.Format(time.DateOnly), occupied, amount, currency, memo)
}

// writeInvoices writes the JSON lines job.
func writeInvoices(path string, rows int, seed uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	r := rand.New(rand.NewPCG(seed, 43))
	for i := range rows {
		kind := chargeTypes[r.IntN(len(chargeTypes))]
		if r.IntN(50) == 0 {
			kind = "VOID"
		}
		days := 28 + r.IntN(4)
		fmt.Fprintf(w, `{"ChargeID":%d,"LeaseRef":"L-%d","Prop":{"code":"pr%d","address":{"city":"Köln","unit":"%d"}},"Type":"%s","Amt":"%d.%02d","days_in_period":%d,"days_occupied":%d,"currency":"%s","period":"2026-%02d","memo":"charge no. %d \"as billed\"","tags":["t%d","t2"]}`+"\n",
			i+1, 100000+r.IntN(400000), 1000+r.IntN(900), 1+r.IntN(400), kind, 40+r.IntN(5000), cents[r.IntN(len(cents))],
			days, 1+r.IntN(days), currencies[r.IntN(len(currencies))], 1+r.IntN(12), i, r.IntN(9))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
