package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
)

// mssqlDB is a Microsoft SQL Server database and what is particular about it.
// It is only read from.
type mssqlDB struct {
	wrapper
	config msdsn.Config
}

// newSQLServer reads the address. Errors never hold it.
func newSQLServer(address string) (*mssqlDB, error) {
	wrong := configError("the connection's url is not of the form sqlserver://user:password@host:1433?database=books")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "sqlserver" || u.Hostname() == "" || u.Query().Get("database") == "" {
		return nil, wrong
	}
	values := u.Query()
	if !values.Has("encrypt") {
		values.Set("encrypt", "true")
		if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			values.Set("encrypt", "disable")
		}
		u.RawQuery = values.Encode()
	}
	config, err := msdsn.Parse(u.String())
	if err != nil {
		return nil, wrong
	}
	config.DisableRetry = true
	if config.DialTimeout == 0 {
		config.DialTimeout = 15 * time.Second
	}
	if !values.Has("app name") {
		config.AppName = "tieout"
	}
	d := &mssqlDB{config: config}
	d.classify, d.words = mssqlFault, words{mark: `"`, char: "nvarchar(max)", top: "TOP 0 "}
	d.secrets = []string{address, config.Password, url.QueryEscape(config.Password), url.PathEscape(config.Password)}
	d.place = "database " + config.Database + " at " + config.Host
	return d, nil
}

// connect opens one connection.
func (d *mssqlDB) connect(ctx context.Context) (*session, error) {
	db := sqlx.NewDb(stdsql.OpenDB(mssql.NewConnectorConfig(d.config)), "sqlserver")
	conn, err := db.Connx(ctx)
	if err != nil {
		db.Close()
		return nil, d.unreachable(err)
	}
	s := &session{db: db, conn: conn, wrapper: &d.wrapper}
	if err := s.exec(ctx, "prepare the session", "SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET LANGUAGE us_english; SET DATEFORMAT ymd"); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// mssqlFault reads an error number and the class of its severity.
func mssqlFault(err error) fault {
	var me mssql.Error
	if !errors.As(err, &me) {
		return connectionFault(err)
	}
	switch me.Number {
	case 18452, 18456, 18486, 18487, 18488:
		return faultLogin
	case 229, 230, 262, 297, 300, 916:
		return faultDenied
	case 1101, 1105, 9002:
		return faultFull
	case 1204, 1205, 1222, 3952, 3960, 3961, 4060, 40613:
		return faultEnvironment
	}
	switch {
	case me.Class >= 20:
		return faultLost
	case me.Class >= 17:
		return faultEnvironment
	}
	return faultOther
}
