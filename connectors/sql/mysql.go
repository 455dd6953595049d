package sql

import (
	"context"
	"crypto/tls"
	stdsql "database/sql"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
)

// mysqlDB is a MySQL or MariaDB database and what is particular about it.
type mysqlDB struct {
	wrapper
	config       *mysql.Config
	ledgerSchema string
	connection   string // its name in the project
}

// newMySQL reads the address. Errors never hold it.
func newMySQL(address string) (*mysqlDB, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "mysql" || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" || strings.Contains(u.Path[1:], "/") {
		return nil, configError("the connection's url is not of the form mysql://user:password@host:3306/database")
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", u.Host, u.Path[1:], u.User.Username()
	c.Passwd, _ = u.User.Password()
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	c.Collation, c.Timeout, c.MaxAllowedPacket, c.Logger = "utf8mb4_bin", 15*time.Second, 0, quietDriver{}
	if err := mysqlTLS(c, u); err != nil {
		return nil, err
	}
	d := &mysqlDB{config: c}
	d.classify, d.explain, d.words = mysqlFault, mysqlExplain, mysqlWords()
	d.secrets = []string{address, c.Passwd, url.QueryEscape(c.Passwd), url.PathEscape(c.Passwd)}
	d.place = "database " + c.DBName + " at " + c.Addr
	return d, nil
}

// quietDriver drops what the driver would log: the same comes as an error.
type quietDriver struct{}

func (quietDriver) Print(...any) {}

// mysqlTLS reads the one parameter there is. Connections to other machines
// are encrypted and the server's certificate is checked, unless the address
// says otherwise.
func mysqlTLS(c *mysql.Config, u *url.URL) error {
	mode := "true"
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		mode = "false"
	}
	for name, values := range u.Query() {
		if name != "tls" {
			return configError("the connection's url has the parameter %q; only tls=true, tls=skip-verify and tls=false may stand there", name)
		}
		mode = values[0]
	}
	switch mode {
	case "true":
		c.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	case "skip-verify":
		c.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for in the address
	case "false":
	default:
		return configError("tls=%s in the connection's url is not true, skip-verify or false", mode)
	}
	return nil
}

// The modes of a session. Without the strict ones MySQL cuts and clips values
// that do not fit, and makes numbers of texts.
const (
	mysqlLoadModes = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
	mysqlReadModes = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
)

// connect opens one connection for a load. It sees what others commit, so that
// the fence does.
func (d *mysqlDB) connect(ctx context.Context) (*session, error) {
	return d.open(ctx, mysqlLoadModes, "READ COMMITTED")
}

// open opens one connection. Times are written and read in UTC, neither side
// gives up because the other one takes its time, and what a server may be set
// to by default, such as a limit of rows nobody asked for, does not hold.
func (d *mysqlDB) open(ctx context.Context, modes, isolation string) (*session, error) {
	connector, err := mysql.NewConnector(d.config)
	if err != nil {
		return nil, d.wrap(err, "connect")
	}
	db := sqlx.NewDb(stdsql.OpenDB(connector), "mysql")
	conn, err := db.Connx(ctx)
	if err != nil {
		db.Close()
		return nil, d.unreachable(err)
	}
	s := &session{db: db, conn: conn, wrapper: &d.wrapper}
	for _, statement := range []string{
		"SET SESSION sql_mode = '" + modes + "', time_zone = '+00:00', wait_timeout = 604800, net_write_timeout = 604800, net_read_timeout = 604800",
		"SET SESSION autocommit = 1, sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = 18446744073709551615",
		"SET SESSION TRANSACTION ISOLATION LEVEL " + isolation,
	} {
		if err := s.exec(ctx, "prepare the session", statement); err != nil {
			s.close()
			return nil, err
		}
	}
	// MariaDB alone has this limit, and MySQL does not know its name.
	if maria, err := isMariaDB(ctx, s); err != nil || maria {
		if err == nil {
			err = s.exec(ctx, "prepare the session", "SET SESSION idle_transaction_timeout = 0, idle_write_transaction_timeout = 0, idle_readonly_transaction_timeout = 0")
		}
		if err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func isMariaDB(ctx context.Context, s *session) (maria bool, err error) {
	err = s.get(ctx, "SELECT version() LIKE '%MariaDB%'", nil, &maria)
	return maria, s.wrap(err, "ask for the server's version")
}

// mysqlFault reads an error number.
func mysqlFault(err error) fault {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		if errors.Is(err, mysql.ErrInvalidConn) {
			return faultLost
		}
		return connectionFault(err)
	}
	switch me.Number {
	case 1048, 1062, 1216, 1217, 1264, 1265, 1288, 1292, 1300, 1364, 1366, 1406, 1411, 1441, 1451, 1452, 1525, 1526, 1586, 1644, 1690, 1761, 1762,
		3140, 3141, 3156, 3819, 4025, 4078:
		return faultData
	case 1053, 1077, 1079, 1152, 1154, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 4031:
		return faultLost
	case 1020, 1030, 1036, 1037, 1038, 1040, 1041, 1049, 1129, 1130, 1203, 1205, 1206, 1213, 1226, 1290, 1792, 1836, 1969, 3024:
		return faultEnvironment
	case 1021, 1114:
		return faultFull
	case 1045, 1698, 1820, 1862, 3118, 4151:
		return faultLogin
	case 1044, 1142, 1143, 1227, 1370:
		return faultDenied
	}
	return faultOther
}

var mysqlColumnName = regexp.MustCompile("[Cc]olumn (?:`[^`]*`\\.`[^`]*`\\.)?[`']([^`']+)[`']")

// mysqlExplain reads the text of an error, which names its column.
func mysqlExplain(err error) (reason string, columns []string) {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		return err.Error(), nil
	}
	if found := mysqlColumnName.FindStringSubmatch(me.Message); found != nil {
		columns = []string{found[1]}
	}
	if me.Number == 1062 {
		return me.Message + "; the table has a record of the same key, or one that its collation takes for the same", columns
	}
	return me.Message, columns
}
