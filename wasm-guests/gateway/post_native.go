//go:build !wasip1

package main

import "errors"

// post needs the sandbox; tests bring their own.
func post(request) (int, error) { return 0, errors.ErrUnsupported }
