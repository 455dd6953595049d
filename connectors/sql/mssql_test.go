package sql

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

func TestSQLServerAddress(t *testing.T) {
	for address, want := range map[string]string{
		"sqlserver://u:hunter2@db.example.com?database=books":                                   "checked",
		"sqlserver://u:hunter2@db.example.com:1433/inst?database=books":                         "checked",
		"sqlserver://u:hunter2@127.0.0.1?database=books":                                        "plain",
		"sqlserver://u:hunter2@localhost?database=books&encrypt=true":                           "checked",
		"sqlserver://u:hunter2@db?database=books&encrypt=disable":                               "plain",
		"sqlserver://u:hunter2@db?database=books&TrustServerCertificate=true":                   "unchecked",
		"sqlserver://u:hunter2@db":                                                              "",
		"server=db;user id=u;password=hunter2;database=books":                                   "",
		"mysql://u:hunter2@db/books":                                                            "",
		"sqlserver://u:hunter2@db?database=books&encrypt=sometimes":                             "",
		"sqlserver://u:hunter2@db?database=books&dial+timeout=sometimes":                        "",
		"sqlserver://u:hunter2@db?database=books&TrustServerCertificate=false&app+name=checker": "checked",
	} {
		d, err := newSQLServer(address)
		got := ""
		switch {
		case err != nil:
			if !errors.Is(err, connectors.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", address, err)
			}
		case d.config.Encryption == msdsn.EncryptionDisabled:
			got = "plain"
		case d.config.TLSConfig == nil || d.config.TLSConfig.InsecureSkipVerify && d.config.TrustServerCertificate:
			got = "unchecked"
		default:
			got = "checked"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
		if d != nil && !d.config.DisableRetry {
			t.Errorf("%s: statements are sent again", address)
		}
	}
}

func TestSQLServerKinds(t *testing.T) {
	for base, want := range map[string]struct {
		kind     record.Kind
		scale    int32
		selected string
	}{
		"BIGINT":           {record.Integer, record.NoScale, "{c}"},
		"DECIMAL":          {record.Decimal, 2, "CONVERT(varchar(60), {c})"},
		"MONEY":            {record.Decimal, 4, "CONVERT(varchar(60), {c}, 2)"},
		"REAL":             {record.Decimal, record.NoScale, "{c}"},
		"FLOAT":            {record.Decimal, record.NoScale, "{c}"},
		"BIT":              {record.Boolean, record.NoScale, "{c}"},
		"DATE":             {record.Date, record.NoScale, "CONVERT(varchar(10), {c}, 23)"},
		"DATETIME":         {record.Timestamp, record.NoScale, "CONVERT(varchar(33), {c}, 126)"},
		"DATETIMEOFFSET":   {record.Timestamp, record.NoScale, "CONVERT(varchar(40), {c}, 126)"},
		"UNIQUEIDENTIFIER": {record.Text, record.NoScale, "CONVERT(varchar(36), {c})"},
		"VARBINARY":        {record.Text, record.NoScale, `'\x' + LOWER(CONVERT(varchar(max), {c}, 2))`},
		"NVARCHAR":         {record.Text, record.NoScale, "{c}"},
	} {
		c := mssqlKind("x", base, 2)
		if c.field.Kind != want.kind || c.field.Scale != want.scale || c.selected != want.selected {
			t.Errorf("%s: %s scale %d, %s", base, c.field.Kind, c.field.Scale, c.selected)
		}
		if inexact := base == "REAL" || base == "FLOAT"; c.field.Inexact != inexact || c.single != (base == "REAL") {
			t.Errorf("%s: inexact %v, single %v", base, c.field.Inexact, c.single)
		}
		if local := base == "DATETIME"; c.local != local {
			t.Errorf("%s: local is %v", base, c.local)
		}
	}
}

// TestSQLServerBounds plans reads between bounds, for which no server is
// asked.
func TestSQLServerBounds(t *testing.T) {
	chicago, _ := time.LoadLocation("America/Chicago")
	for _, c := range []struct{ base, from, to, want string }{
		{"BIGINT", "5", "7", ` WHERE "x" >= CAST('5' AS bigint) AND "x" <= CAST('7' AS bigint) ORDER BY "x"`},
		{"DATE", "2026-01-31", "2026-02-01", ` WHERE "x" >= CAST('2026-01-31' AS date) AND "x" <= CAST('2026-02-01' AS date) ORDER BY "x"`},
		{"DATETIME2", "2026-01-31T10:00:00Z", "2026-01-31",
			` WHERE "x" >= CAST('2026-01-31 04:00:00' AS datetime2(7)) AND "x" <= CAST('2026-01-31 23:59:59.999999' AS datetime2(7)) ORDER BY "x"`},
		{"DATETIME", "2026-01-31T10:00:00.003Z", "2026-01-31T11:00:00Z",
			` WHERE "x" >= CAST(CAST('2026-01-31 04:00:00.003' AS datetime2(7)) AS datetime) AND "x" <= CAST(CAST('2026-01-31 05:00:00' AS datetime2(7)) AS datetime) ORDER BY "x"`},
		{"DATETIMEOFFSET", "2026-01-31T10:00:00+02:00", "2026-01-31T11:00:00Z",
			` WHERE "x" >= CAST('2026-01-31 08:00:00' AS datetimeoffset(7)) AND "x" <= CAST('2026-01-31 11:00:00' AS datetimeoffset(7)) ORDER BY "x"`},
		{"NVARCHAR", "a", "b", ""},
		{"BIGINT", "'; DROP TABLE canary; --", "7", ""},
	} {
		column := mssqlKind("x", c.base, -1)
		column.quoted = `"x"`
		q := &query{cursor: &column, key: column.field.Kind, from: func(string, string) string { return `"t"` }, read: connectors.Read{Zone: chicago}}
		b, err := boundBy(t.Context(), mssqlBounds{}, nil, q, &connectors.Cursor{Field: "x", From: c.from, To: c.to})
		if c.want == "" {
			if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "source.cursor") {
				t.Errorf("%s from %q: %v", c.base, c.from, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.base, err)
			continue
		}
		if got, more, err := b.next(t.Context()); got != c.want || more || err != nil {
			t.Errorf("%s:\n got %s\nwant %s", c.base, got, c.want)
		}
	}
	for typ, want := range map[string]string{
		"date":         "DATEADD(day, -2, x)",
		"datetime":     "DATEADD(millisecond, -500, DATEADD(second, -129600, x))",
		"datetime2(7)": "DATEADD(microsecond, -500000, DATEADD(second, -129600, CAST(x AS datetime2(7))))",
	} {
		if got := (mssqlBounds{}).move("x", typ, -36*time.Hour-500*time.Millisecond); got != want {
			t.Errorf("move %s: %s", typ, got)
		}
	}
}

func TestSQLServerWords(t *testing.T) {
	f := &mssqlFlavor{db: &mssqlDB{wrapper: wrapper{words: words{mark: `"`}}}}
	if got, err := f.table(`dbo.rent "roll"`); got != `"dbo"."rent ""roll"""` || err != nil {
		t.Errorf("table: %s %v", got, err)
	}
	q := parseQuery("SELECT [a:cursor] FROM t WHERE b >= :cursor AND c = ':upper' -- :upper", f.skip)
	if got := q.subselect("1", "2"); got != "(SELECT [a:cursor] FROM t WHERE b >= 1 AND c = ':upper' -- :upper\n) AS tieout_query" {
		t.Errorf("query: %s", got)
	}
	for want, errs := range map[fault][]error{
		faultLogin:       {mssql.Error{Number: 18456, Class: 14}},
		faultDenied:      {mssql.Error{Number: 229, Class: 14}},
		faultFull:        {mssql.Error{Number: 9002, Class: 17}, mssql.Error{Number: 1105, Class: 17}},
		faultEnvironment: {mssql.Error{Number: 3952, Class: 16}, mssql.Error{Number: 701, Class: 17}},
		faultLost:        {mssql.Error{Number: 596, Class: 21}, io.EOF},
		faultOther:       {mssql.Error{Number: 208, Class: 16}},
	} {
		for _, err := range errs {
			if got := mssqlFault(err); got != want {
				t.Errorf("%v: fault %d, want %d", err, got, want)
			}
		}
	}
}
