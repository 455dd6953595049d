package money

import (
	"fmt"

	"github.com/tieout/tieout/schemas/decimal"
)

// defaultPlaces is used for amounts without a currency.
const defaultPlaces = 2

// MinorUnits returns how many decimal places an ISO 4217 currency has (section
// 12). ok is false, and places 0, for a code that is not a currency in use or
// one withdrawn in the last years; codes are upper case.
func MinorUnits(currency string) (places int32, ok bool) {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF",
		"UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	case "CLF", "UYW":
		return 4, true
	}
	if twoPlaces(currency) {
		return 2, true
	}
	return 0, false
}

// twoPlaces lists the currencies with hundredths.
func twoPlaces(currency string) bool {
	switch currency {
	case "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN",
		"BAM", "BBD", "BDT", "BGN", "BMD", "BND", "BOB", "BOV", "BRL", "BSD",
		"BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY",
		"COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP",
		"ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD",
		"GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR",
		"JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR",
		"LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU",
		"MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO",
		"NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
		"RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP",
		"SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS",
		"TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
		"UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
		"CUC", "HRK", "SLL", "ZWL": // withdrawn, still met in old records
		return true
	}
	return false
}

// RoundToCurrency rounds an amount to the minor unit of its currency, or to two
// places when the currency is empty. The result has exactly those places.
func RoundToCurrency(amount decimal.Decimal, currency string, mode decimal.Mode) (decimal.Decimal, error) {
	if currency == "" {
		return post(amount, defaultPlaces, mode), nil
	}
	places, ok := MinorUnits(currency)
	if !ok {
		return decimal.Decimal{}, fmt.Errorf("round to currency %q: not an ISO 4217 code such as USD", currency)
	}
	return post(amount, places, mode), nil
}

// Convert returns amount x rate rounded once to the places of the target
// currency. Converting lines and converting their total give different cents:
// convert the total and allocate it. A rounded rate must not be inverted for
// the way back.
func Convert(amount, rate decimal.Decimal, places int32, mode decimal.Mode) decimal.Decimal {
	return post(amount.Mul(rate), places, mode)
}
