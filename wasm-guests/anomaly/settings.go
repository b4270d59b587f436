package main

import "errors"

// settings are what the twin may set; README.md has the table, and the reasons for the defaults.
type settings struct {
	Window    int      // samples that say what is usual
	Threshold float64  // how many times the usual spread is far
	Confirm   int      // samples in a row that must be far before it is an incident
	HoldOff   *int     // samples in a row that must be near before an incident is over; nil: Window
	MinScale  *float64 // the least that counts as spread, in the signal's unit; nil: 1 % of the median
}

var defaults = settings{Window: 288, Threshold: 6, Confirm: 3}

// The bounds of Window: below the first a median means little; the second bounds memory, at 16 bytes a sample, and
// the time to keep the values in order.
const (
	minWindow = 16
	maxWindow = 10000
)

// Validate refuses settings under which the detector would mean nothing.
func (s *settings) Validate() error {
	switch {
	case s.Window < minWindow || s.Window > maxWindow:
		return errors.New(`"window" is not between 16 and 10000 samples`)
	case s.Threshold <= 0:
		return errors.New(`"threshold" is not above 0`)
	case s.Confirm < 1:
		return errors.New(`"confirm" is less than 1 sample`)
	case s.HoldOff != nil && *s.HoldOff < 1:
		return errors.New(`"holdOff" is less than 1 sample`)
	case s.MinScale != nil && *s.MinScale < 0:
		return errors.New(`"minScale" is negative`)
	}
	return nil
}

// needed returns how many samples in a row end an incident, or begin one.
func (s *settings) needed(incident bool) int {
	switch {
	case !incident:
		return s.Confirm
	case s.HoldOff != nil:
		return *s.HoldOff
	}
	return s.Window
}
