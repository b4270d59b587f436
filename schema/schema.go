// Package schema holds the JSON Schemas of what the module is asked and answers, for programs that show them.
//
// # Concurrency
//
// Its functions may be called from any goroutine.
package schema

import _ "embed" // the files are part of the program

//go:embed desired-1.0.schema.json
var desired string

// Desired returns the JSON Schema of the desired properties, draft 7.
func Desired() string { return desired }
