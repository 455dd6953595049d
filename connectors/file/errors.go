package file

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

var (
	// errDamaged: a file is cut short, broken, or not what its name says.
	errDamaged = fmt.Errorf("%w: %s", connectors.ErrData, document.CodeSourceDamaged)
	// errHeader: the row that names the columns is not there.
	errHeader = fmt.Errorf("%w: %s", connectors.ErrData, document.CodeSourceMissingColumn)
)
