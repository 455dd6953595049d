package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Example: `  tieout version
  tieout version -o json`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			result := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{a.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return a.out.write(exitOK, "", result, func(w io.Writer) {
				fmt.Fprintf(w, "tieout %s (%s, %s)\n", result.Version, result.Go, result.Platform)
			})
		},
	}
}
