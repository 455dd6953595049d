package file

import (
	"context"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
)

// Connection is a folder of files: of this machine, on an SFTP server, or in
// an S3 bucket. Of the other keys those count that its path needs.
type Connection struct {
	Path Folder `yaml:"path" required:"true" ref:"true" doc:"The folder: a path relative to the project, sftp://host/folder, or s3://bucket/folder. Files outside it are never opened." example:"./data"`

	User       document.Text   `yaml:"user" ref:"true" doc:"sftp: who signs in; may stand in the path too." example:"reports"`
	Password   document.Secret `yaml:"password" doc:"sftp: the password." example:"${env:SFTP_PASSWORD}"`
	PrivateKey document.Secret `yaml:"private_key" doc:"sftp: the private key, or the path of its file." example:"${file:keys/id_ed25519}"`
	Passphrase document.Secret `yaml:"passphrase" doc:"sftp: what unlocks the private key." example:"${env:SFTP_PASSPHRASE}"`
	KnownHosts document.Text   `yaml:"known_hosts" ref:"true" doc:"sftp: the keys of servers, as OpenSSH keeps them: a file, or its text. A server that is not in it, or shows another key, gets nothing." example:"keys/known_hosts"`
	Port       int             `yaml:"port" doc:"sftp: the port, where the path has none; 22 when not given." example:"2222"`

	Endpoint  document.Text   `yaml:"endpoint" ref:"true" doc:"s3: address of the service, where it is not that of AWS." example:"https://objects.example.com"`
	Region    document.Text   `yaml:"region" ref:"true" doc:"s3: the region." example:"us-east-1"`
	AccessKey document.Secret `yaml:"access_key" doc:"s3: the name of the key." example:"${env:S3_ACCESS_KEY}"`
	SecretKey document.Secret `yaml:"secret_key" doc:"s3: the key." example:"${env:S3_SECRET_KEY}"`
	Token     document.Secret `yaml:"session_token" doc:"s3: the token of a key that ends by itself." example:"${env:S3_SESSION_TOKEN}"`
	PathStyle *bool           `yaml:"path_style" doc:"s3: whether the bucket stands in the path and not in the host; true when endpoint is given."`
	CAFile    document.Text   `yaml:"ca_file" ref:"true" doc:"s3: certificates of further authorities the server may be signed by, as PEM: a file, or its text." example:"keys/ca.pem"`

	Timeout document.Duration `yaml:"timeout" default:"30s" doc:"sftp, s3: how long a server may say nothing."`
}

// Folder is the path of a connection.
type Folder struct{ document.Text }

// DecodeDocument reads it and checks what does not depend on other keys.
func (f *Folder) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.DecodeField(n, &f.Text, `ref:"true"`)
	if f.Value == "" || strings.Contains(f.Value, "${") {
		return
	}
	if _, err := place.ParsePath(f.Value); err != nil {
		d.Report.ErrorAt(n, document.CodeNetRefused, "", "%v", err)
	}
}

// DocumentType says what is written.
func (f *Folder) DocumentType() string { return "a folder, or its URL" }

// DocumentSchema is a text.
func (f *Folder) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// open opens the folder.
func (c *Connection) open(ctx context.Context, env connectors.Env) (place.Store, error) {
	return place.Open(ctx, place.Settings{Path: c.Path.Value, Base: env.Dir, Spool: env.Spool,
		User: c.User.Value, Password: c.Password, PrivateKey: c.PrivateKey, Passphrase: c.Passphrase, KnownHosts: c.KnownHosts.Value, Port: c.Port,
		Endpoint: c.Endpoint.Value, Region: c.Region.Value, AccessKey: c.AccessKey, SecretKey: c.SecretKey, Token: c.Token,
		PathStyle: c.PathStyle, CAFile: c.CAFile.Value, Timeout: c.Timeout.Std(), Now: env.Now})
}
