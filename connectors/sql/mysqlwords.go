package sql

import (
	"bytes"
	"strings"

	"github.com/tieout/tieout/schemas/record"
)

// mysqlWords are those of MySQL and MariaDB. A temporary table may stand only
// once in a statement of MySQL.
func mysqlWords() words {
	return words{mark: "`", text: "longtext", name: "varchar(191)", json: "longtext", time: "datetime(6)", char: "char",
		stamp: "2006-01-02 15:04:05.000000", limit: " LIMIT 0", lock: " FOR UPDATE", joins: true, once: true,
		raise:  " ON DUPLICATE KEY UPDATE epoch = epoch + 1",
		tables: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
		same: func(c *column, left, right string) string {
			plain := left + " = " + right
			if c.loose { // the index finds what is alike, the bytes decide; two equalities MariaDB would take for one
				return "(" + plain + " AND " + mysqlBytes(left) + " <=> " + mysqlBytes(right) + ")"
			}
			return plain
		},
		distinct: func(c *column, left, right string) string {
			if c.loose {
				left, right = mysqlBytes(left), mysqlBytes(right)
			}
			return "NOT (" + left + " <=> " + right + ")"
		},
		parameter: mysqlParameter, exact: mysqlBytes, truth: zeroOrOne,
		stampText: func(text []byte, c *column) []byte {
			if c.text {
				return text
			}
			return mysqlStamp(text)
		},
		instant: func(_ bool, text string) string { return "TIMESTAMP" + literal(string(mysqlStamp([]byte(text)))) }}
}

// mysqlParameter says what a value is: MySQL would compare a number or a time
// with a text as floats or texts.
func mysqlParameter(_ int, c *column) string {
	switch {
	case c.text:
	case c.field.Kind == record.Date:
		return "CAST(? AS date)"
	case c.field.Kind == record.Timestamp:
		return "CAST(? AS datetime(6))"
	}
	return "?"
}

// mysqlStamp writes RFC 3339, or a clock's time, as MySQL does.
func mysqlStamp(text []byte) []byte {
	return bytes.Replace(bytes.TrimSuffix(text, []byte{'Z'}), []byte{'T'}, []byte{' '}, 1)
}

func mysqlBytes(expr string) string { return "CAST(" + expr + " AS BINARY)" }

// mysqlLiteral writes a text as a string of MySQL, in which a backslash
// escapes.
func mysqlLiteral(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(text) + "'"
}
