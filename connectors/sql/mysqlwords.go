package sql

import "strings"

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
		}}
}

func mysqlBytes(expr string) string { return "CAST(" + expr + " AS BINARY)" }

// mysqlLiteral writes a text as a string of MySQL, in which a backslash
// escapes.
func mysqlLiteral(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(text) + "'"
}
