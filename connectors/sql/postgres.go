package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// postgres is a PostgreSQL database and what is particular about it.
type postgres struct {
	wrapper
	config       pq.Config
	ledgerSchema string
	connection   string // its name in the project
}

// newPostgres reads the address. Errors never hold it.
func newPostgres(address string) (*postgres, error) {
	config, err := pq.NewConfig(address)
	if err != nil || address == "" {
		return nil, configError("the connection's url is not of the form postgres://user:password@host:5432/database")
	}
	if !saysSSLMode(address) {
		config.SSLMode = "require"
		if local(config) {
			config.SSLMode = "disable"
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 15 * time.Second
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "tieout"
	}
	p := &postgres{config: config}
	p.classify, p.explain, p.words = postgresFault, postgresExplain, postgresWords()
	p.secrets = []string{address, config.Password, url.QueryEscape(config.Password), url.PathEscape(config.Password)}
	p.place = "database " + config.Database + " at " + config.Host
	return p, nil
}

var sslmodeKey = regexp.MustCompile(`(^|[?&\s])sslmode\s*=`)

func saysSSLMode(address string) bool { return sslmodeKey.MatchString(address) }

// local reports whether every host listed is this machine.
func local(config pq.Config) bool {
	if !localHost(config.Host, config.Hostaddr) {
		return false
	}
	for _, more := range config.Multi {
		if !localHost(more.Host, more.Hostaddr) {
			return false
		}
	}
	return true
}

func localHost(host string, address netip.Addr) bool {
	if address.IsValid() {
		return address.IsLoopback()
	}
	if host == "" || host == "localhost" || host[0] == '/' || host[0] == '@' {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// connect opens one connection. The caller closes the handle.
func (p *postgres) connect(ctx context.Context) (*session, error) {
	connector, err := pq.NewConnectorConfig(p.config)
	if err != nil {
		return nil, p.wrap(err, "connect")
	}
	db := sqlx.NewDb(stdsql.OpenDB(connector), "postgres")
	conn, err := db.Connx(ctx)
	if err != nil {
		db.Close()
		return nil, p.unreachable(err)
	}
	s := &session{db: db, conn: conn, wrapper: &p.wrapper}
	// Stamps are written and read in UTC, whatever the server prefers; and a
	// load may wait for its source longer than a server's idle limit.
	if err := s.exec(ctx, "prepare the session", "SET timezone = 'UTC'; SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = 0"); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// postgresFault reads an SQLSTATE.
func postgresFault(err error) fault {
	var pe *pq.Error
	if !errors.As(err, &pe) {
		return connectionFault(err)
	}
	code := string(pe.Code)
	switch {
	case strings.HasPrefix(code, "28"): // fatal as well, and nothing was lost
		return faultLogin
	case pe.Fatal() && code == "42501": // the right to connect
		return faultDenied
	case pe.Fatal():
		return faultLost
	}
	switch code {
	case "P0001": // raised by a trigger
		return faultData
	case "21000":
		return faultTwice
	case "42501":
		return faultDenied
	case "53100":
		return faultFull
	case "55P03", "40001", "40P01", "25006", "55006":
		return faultEnvironment
	}
	switch code[:min(2, len(code))] {
	case "22", "23", "44":
		return faultData
	case "08":
		return faultLost
	case "3D", "53", "57", "58":
		return faultEnvironment
	}
	return faultOther
}
