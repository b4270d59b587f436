package main

import "errors"

// settings are what the twin may set; README.md has the table.
type settings struct {
	High       *float64 // nil: no upper limit
	Low        *float64 // nil: no lower limit
	Hysteresis float64  // how far inside a limit a value must be to count as back
}

// Validate refuses limits between which no value would be normal.
func (s *settings) Validate() error {
	switch {
	case s.High == nil && s.Low == nil:
		return errors.New(`set "high", "low" or both: there is no limit`)
	case s.Hysteresis < 0:
		return errors.New(`"hysteresis" is negative`)
	case s.High != nil && s.Low != nil && *s.Low >= *s.High:
		return errors.New(`"low" is not below "high"`)
	case s.High != nil && s.Low != nil && *s.High-*s.Low <= s.Hysteresis:
		return errors.New(`"hysteresis" leaves no room between "low" and "high"`)
	}
	return nil
}

// judge returns the state that a value leads to from state now.
func (s *settings) judge(now state, value float64) state {
	switch {
	case s.High != nil && (value > *s.High || now == high && value > *s.High-s.Hysteresis):
		return high
	case s.Low != nil && (value < *s.Low || now == low && value < *s.Low+s.Hysteresis):
		return low
	}
	return normal
}

// limit returns the limit that a value in state is beyond.
func (s *settings) limit(state state) float64 {
	if state == high {
		return *s.High
	}
	return *s.Low
}
