// Package fieldtype is how an analyst declares the type of a field, the same
// under source.fields of a pipeline and under the streams of a service.
//
// It converts no values: that is connectors.Caster, which is made of a
// connectors.FieldSpec. Read fieldtype.go.
package fieldtype
