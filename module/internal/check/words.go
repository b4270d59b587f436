package check

import (
	"fmt"
	"math"
	"strings"
)

// String is the estimate in words.
func (t Traffic) String() string {
	text := fmt.Sprintf("a day at most: %s messages, %s blocks of 4 KB, %s of IoT Hub S1", thousands(t.Messages), thousands(t.Blocks), units(t.Blocks))
	if t.Single > t.Blocks {
		text += " (without publish groups " + units(t.Single) + ")"
	}
	if len(t.assumed) > 0 {
		text += ", with " + strings.Join(t.assumed, ", ") + ", each message with one value for each signal"
	}
	return text
}

// units returns how many units of S1 so many blocks a day take.
func units(blocks float64) string {
	n := blocks / unitBlocks
	if n < 0.1 {
		return "less than 0.1 units"
	}
	return fmt.Sprintf("%.1f units", n)
}

// thousands writes a whole number with commas.
func thousands(n float64) string {
	digits := fmt.Sprintf("%.0f", max(0, math.Ceil(n-1e-6))) // what adds up to a whole number, give or take rounding
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// rateText writes a rate so that it is at least one in its unit of time.
func rateText(rate float64) string {
	switch {
	case rate >= 1 || rate == 0:
		return fmt.Sprintf("%.3g/s", rate)
	case rate*60 >= 1:
		return fmt.Sprintf("%.3g/min", rate*60)
	}
	return fmt.Sprintf("%.3g/h", rate*3600)
}
