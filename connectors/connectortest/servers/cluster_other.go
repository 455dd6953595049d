//go:build !unix

package servers

// Cluster is a running server. Systems that are not Unix use the one that the
// server's variable names.
type Cluster struct{ URL string }

// Start starts nothing here.
func (s Server) Start() (*Cluster, error) { return nil, s.none() }

// Stop ends nothing here.
func (*Cluster) Stop() {}
