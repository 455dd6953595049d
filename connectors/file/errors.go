package file

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

var (
	// errDamaged: a file is cut short, broken, or not what its name says.
	errDamaged = fmt.Errorf("%w: %s", connectors.ErrData, document.CodeSourceDamaged)
	// errNamed: the pipeline names a part of a file that is not in it.
	errNamed = fmt.Errorf("%w: %s", connectors.ErrConfig, document.CodeSourceUnknownStream)
	// errHeader: the row that names the columns is not there.
	errHeader = fmt.Errorf("%w: %s", connectors.ErrData, document.CodeSourceMissingColumn)
)
