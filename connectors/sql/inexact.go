package sql

import (
	"fmt"
	"strconv"
	"time"
)

// appendOther writes what a driver gives beside texts and whole numbers. A
// binary float, which SQLite makes of REAL columns and MySQL of FLOAT and DOUBLE, becomes its shortest
// decimal here and nowhere else, of 32 bits when single; the field it goes to is marked inexact.
func appendOther(dst []byte, value any, single bool) []byte {
	switch v := value.(type) {
	case float64:
		if single {
			return strconv.AppendFloat(dst, v, 'g', -1, 32)
		}
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case time.Time:
		return v.AppendFormat(dst, time.RFC3339Nano)
	}
	return fmt.Append(dst, value)
}
