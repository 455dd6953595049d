package sql

import (
	"fmt"
	"strconv"
	"time"
)

// appendOther writes what a driver gives beside texts and whole numbers. A
// binary float, which SQLite makes of REAL columns, becomes its shortest
// decimal here and nowhere else; the field it goes to is marked inexact.
func appendOther(dst []byte, value any) []byte {
	switch v := value.(type) {
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case time.Time:
		return v.AppendFormat(dst, time.RFC3339Nano)
	}
	return fmt.Append(dst, value)
}
