//go:build !unix

package servers

// Cluster is a running PostgreSQL server. Systems that are not Unix use the
// one that Variable names.
type Cluster struct{ URL string }

// Start starts nothing here.
func Start() (*Cluster, error) { return nil, errNone }

// Stop ends nothing here.
func (*Cluster) Stop() {}
