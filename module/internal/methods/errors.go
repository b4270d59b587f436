package methods

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Error is the answer of a method that did not do what it was asked.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func badRequest(message, hint string) *Error {
	return &Error{Status: 400, Code: "badRequest", Message: message, Hint: hint}
}

func notFound(message, hint string) *Error {
	return &Error{Status: 404, Code: "notFound", Message: message, Hint: hint}
}

func conflict(message, hint string) *Error {
	return &Error{Status: 409, Code: "conflict", Message: message, Hint: hint}
}

// asError says what an error of the module's parts is to the caller of a method.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*supervise.ConflictError](err); ok {
		return conflict(e.Reason, e.Hint)
	}
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		return &Error{Status: 409, Code: string(e.Kind), Message: clip(e.Error(), 4<<10), Hint: e.Hint}
	}
	switch {
	case errors.Is(err, supervise.ErrNoSignal):
		return notFound(err.Error(), "the method status lists the signals")
	case errors.Is(err, supervise.ErrStopped):
		return conflict("the module is stopping", "")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: 500, Code: "timeout", Message: "the signal was busy for too long", Hint: "try again"}
	}
	return &Error{Status: 500, Code: "internal", Message: clip(err.Error(), 4<<10)}
}

func encodeError(e *Error) (int, []byte) {
	b, _ := json.Marshal(map[string]*Error{"error": e}) // strings always encode
	return e.Status, b
}
