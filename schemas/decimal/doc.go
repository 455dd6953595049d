// Package decimal holds exact decimal numbers: an int64 coefficient and a
// scale, with a big.Int coefficient only when the value leaves int64.
//
// Add, Sub, Mul, Neg, Abs and Cmp are exact. Quotients are the only inexact
// results, and each of them says so: Quo carries 34 significant digits and
// reports whether digits were lost; QuoRound and MulQuoRound round once, in the
// mode the caller names. No binary floating point number enters or leaves.
//
// The package does not know currencies (transforms/money does), does not
// accept thousands marks or parentheses, and holds no NaN or infinity.
//
// Read decimal.go first, then divide.go and round.go.
package decimal
