// Package randexpr makes random expressions over random rows together with
// their answers, computed with big fractions and sharing no code with the
// package expression. Tests compare the two, and a database's numeric type
// through the SQL form of each expression.
//
// Every result is exact: quotients occur only inside round. The package is for
// tests and is imported by nothing else. Read generator.go first.
package randexpr
