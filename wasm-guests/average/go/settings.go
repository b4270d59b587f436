package main

import "errors"

// settings are what the twin may set; README.md has the table.
type settings struct{ Window int }

var defaults = settings{Window: 10}

// Validate refuses a window that is none, or whose state would be large.
func (s *settings) Validate() error {
	if s.Window < 1 || s.Window > 1000 {
		return errors.New(`"window" is not between 1 and 1000 samples`)
	}
	return nil
}
