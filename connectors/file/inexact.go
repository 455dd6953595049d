package file

import (
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// appendInexact writes a binary float of a Parquet file as its shortest
// decimal, here and nowhere else; the field it goes to is marked inexact.
func appendInexact(dst []byte, v parquet.Value) []byte {
	if v.Kind() == parquet.Float {
		return strconv.AppendFloat(dst, float64(v.Float()), 'g', -1, 32)
	}
	return strconv.AppendFloat(dst, v.Double(), 'g', -1, 64)
}
