// Package money holds the arithmetic of rent, fees, retainage and currencies:
// pure functions over exact decimals and calendar dates.
//
// Every function rounds once, at the point where an amount becomes postable,
// and says how many places and which mode. Amounts may be negative: magnitudes
// are rounded and the sign is restored, so a reversal always cancels its
// original (in the modes ceiling and floor, which look at the sign, it does
// not). Legal limits such as caps on late fees are parameters; none is built in.
//
// The package does not know records, fields, ledgers or exchange rates, and it
// has no clock. Section numbers in comments name the part of the trade they
// belong to: 1 allocation, 2 prorated rent, 3 late fees, 5 aging, 9 retainage,
// 12 currencies.
//
// Read prorate.go and allocate.go first.
package money
