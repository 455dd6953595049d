// Package catalog is a complete project that runs as it is: pipelines over
// rent rolls and public registers, mapping tables and small files of made-up
// records with the quirks of real ones.
//
// It serves as the source of `init --from`, as documentation and as test
// input; it holds no code but the folder itself. Read tieout.yaml first, then
// property/rent_roll.yaml.
package catalog

import (
	"embed"
	"io/fs"
)

//go:embed tieout.yaml property warehouse mappings data
var files embed.FS

// FS is the project's folder.
func FS() fs.FS { return files }
