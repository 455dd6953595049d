package cli

import "github.com/spf13/cobra"

func (a *app) fmtCommand() *cobra.Command {
	return &cobra.Command{Use: "fmt", Run: func(*cobra.Command, []string) {}}
}
