// Command bench measures the program against psql's \copy of the same input
// in the same run, and writes the figures of docs/performance.md.
//
//	bench -tieout bin/tieout [-rows 1000000] [-runs 5] [-seed 7] [-large]
//
// It needs psql and the server that TIEOUT_TEST_POSTGRES names. A figure
// counts only if its exact check holds; a wrong check ends the program. Read
// w1.go for the job that matters most, then measure.go.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var b bench
	flag.StringVar(&b.tieout, "tieout", "bin/tieout", "the program")
	flag.IntVar(&b.rows, "rows", 1_000_000, "rows of the CSV job")
	flag.IntVar(&b.runs, "runs", 5, "runs of each contestant")
	flag.Uint64Var(&b.seed, "seed", 7, "seed of the data")
	flag.BoolVar(&b.large, "large", false, "also five times the rows")
	flag.StringVar(&b.csv, "csv", "", "an existing CSV of the same columns, in place of a generated one")
	flag.StringVar(&b.only, "only", "", "one workload: w1, w2, w3, w4 or w5")
	by := flag.String("floor", "", "do a workload by hand, for the comparison: w3")
	flag.Parse()
	run := b.run
	if *by != "" {
		run = func() error { return floor(*by) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
