package service

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// What a service answered with and cannot be used.
var (
	// errReply: it is damaged, or not what was asked for. It may be better the
	// next time, and wraps connectors.ErrEnvironment.
	errReply = fmt.Errorf("%w: %s", connectors.ErrEnvironment, document.CodeNetReply)
	// errUnlike: it is not what the settings of the connection say. It wraps
	// connectors.ErrData.
	errUnlike = fmt.Errorf("%w: %s", connectors.ErrData, document.CodeNetReply)
	// errCredentials: it does not know who asks, or does not let them. It wraps
	// connectors.ErrEnvironment.
	errCredentials = fmt.Errorf("%w: %s", connectors.ErrEnvironment, document.CodeAuthRefused)
)
