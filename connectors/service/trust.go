package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// trust reads the files that say who a connection believes and what it proves
// itself with.
func (c *Common) trust(o *web.Options, dir string) error {
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	if name := c.CAFile.Value; name != "" {
		text, err := os.ReadFile(at(name))
		if err != nil {
			return fmt.Errorf("%w: ca_file: %w", connectors.ErrConfig, err)
		}
		if o.Roots, err = x509.SystemCertPool(); err != nil {
			o.Roots = x509.NewCertPool() // a system without one
		}
		if !o.Roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("%w: ca_file: %q holds no certificate as PEM", connectors.ErrConfig, name)
		}
	}
	if c.ClientCert.Value == "" && c.ClientKey.Value == "" {
		return nil
	}
	if c.ClientCert.Value == "" || c.ClientKey.Value == "" {
		return fmt.Errorf("%w: client_cert and client_key belong together", connectors.ErrConfig)
	}
	pair, err := tls.LoadX509KeyPair(at(c.ClientCert.Value), at(c.ClientKey.Value))
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("%w: client_cert: %w", connectors.ErrConfig, file)
	}
	if err != nil {
		return fmt.Errorf("%w: client_cert: the files are no certificate and its key", connectors.ErrConfig)
	}
	o.Certificates = []tls.Certificate{pair}
	return nil
}
