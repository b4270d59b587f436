package query

import "fmt"

// Error says what is wrong with a route, and where.
type Error struct {
	Column int // from 1, in bytes of the route's text
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Reason) }

func errorAt(t token, format string, args ...any) error {
	return &Error{Column: t.at + 1, Reason: fmt.Sprintf(format, args...)}
}
