package file

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
)

func (s *source) openParquet(f *disk, inputs []input, read connectors.Read) (connectors.Reader, error) {
	return nil, fmt.Errorf("%w: parquet is not read", connectors.ErrConfig)
}
