// Package document turns a YAML file into a tree of Go structs and keeps, for
// every value, the place it was written at. It says what is wrong with a file in
// Diagnostics: a stable code, file, line and column, the key's path, a message, a
// hint and, where one is sure, the replacement text. From the same struct tree it
// writes the JSON Schema that editors use and the Markdown reference page.
//
// It does not read files, look at the environment or know what a pipeline is:
// references such as ${env:NAME} are resolved by a Resolver the caller passes in,
// and the meaning of a document belongs to the package that declares its structs.
// It is the only importer of gopkg.in/yaml.v3.
//
// Read types.go first, then decode.go. Renderings live in the render folder.
package document
