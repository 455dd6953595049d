// Package place is where files are: a folder of this machine, one on an SFTP
// server, or a part of an S3 bucket. A Folder lists and reads them; a Store
// also takes new ones, each beside a ledger whose change is the one moment a
// load becomes real.
//
// It knows nothing of formats and records. Names are paths within the folder
// with slashes and never lead out of it. What it is sent by servers is bounded,
// transfers that are cut short are gone on with or an error, and a file that
// changes while it is read is one too.
//
// Read folder.go and store.go first, then local.go; sftp.go and s3.go follow
// the same order. docs/decisions/2026-11-21-remote-files.md says what each
// place guarantees.
package place
