package place_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
)

func TestParsePath(t *testing.T) {
	for text, want := range map[string]place.Path{
		"./data":                       {Folder: "./data"},
		"/var/data":                    {Folder: "/var/data"},
		"sftp://host":                  {Scheme: "sftp", Host: "host"},
		"sftp://ana@host:2222/in/a b":  {Scheme: "sftp", User: "ana", Host: "host", Port: "2222", Folder: "/in/a b"},
		"SFTP://[::1]:22/x%20y":        {Scheme: "sftp", Host: "::1", Port: "22", Folder: "/x y"},
		"s3://bucket":                  {Scheme: "s3", Host: "bucket"},
		"s3://our.bucket-1/2026/rents": {Scheme: "s3", Host: "our.bucket-1", Folder: "/2026/rents"},
	} {
		if got, err := place.ParsePath(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"ftp://host/x": "sftp://", "https://host/x": "not read from https", "sftp://": "no host", "sftp://a:b@host/": "password",
		"s3://b/x?versionId=3": "ends with the folder", "s3://key@bucket/x": "access_key", "sftp://ho st/": "no URL", "file:///x": "its path alone",
	} {
		if got, err := place.ParsePath(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", text, got, err, want)
		}
	}
}

// What is missing is said with the key it goes under, before anything is sent.
func TestMissingSettings(t *testing.T) {
	x := document.NewSecret("x", "canary")
	for name, c := range map[string]struct {
		settings place.Settings
		want     string
	}{
		"user":         {place.Settings{Path: "sftp://h/x", Password: x, KnownHosts: "h k"}, "user"},
		"proof":        {place.Settings{Path: "sftp://a@h/x", KnownHosts: "h k"}, "private_key or password"},
		"known_hosts":  {place.Settings{Path: "sftp://a@h/x", Password: x}, "known_hosts"},
		"region":       {place.Settings{Path: "s3://b/x", AccessKey: x, SecretKey: x}, "region"},
		"keys":         {place.Settings{Path: "s3://b/x", Region: "r", AccessKey: x}, "access_key and secret_key"},
		"plain http":   {place.Settings{Path: "s3://b/x", Endpoint: "http://h", AccessKey: x, SecretKey: x}, "only https"},
		"path":         {place.Settings{Path: "s3://b/x", Endpoint: "https://h/x", AccessKey: x, SecretKey: x}, "no more"},
		"certificates": {place.Settings{Path: "s3://b/x", Endpoint: "https://h", AccessKey: x, SecretKey: x, CAFile: "-----BEGIN nothing"}, "ca_file"},
	} {
		c.settings.Now = time.Now
		_, err := place.Open(context.Background(), c.settings)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, connectors.ErrConfig) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
