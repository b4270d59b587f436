//go:build cgo

package conformance

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A window of one sends each number as it came: read from a text to the nearest double, and written with the fewest
// digits that read back as the same.
func readsAndWritesNumbers(t *testing.T, compiled guests) {
	all := compiled.start(t, `{"window":1}`)
	for _, text := range numbers() {
		number, err := strconv.ParseFloat(text, 64)
		got := all.message(t, `{"signal":"press1","value":`+text+`}`)
		if err != nil {
			require.Contains(t, got.Failed, "value is not a number: ", text)
			continue
		}
		want, _ := json.Marshal(number + 0) // a sum is never −0
		require.Equal(t, []string{`{"signal":"press1","average":` + string(want) + `,"count":1}`}, got.Bodies, text)
	}
}

// numbers are some that are hard to read or to write, and many at random.
func numbers() []string {
	hard := []string{
		"0", "-0", "0.0", "1", "-1", "10", "100", "1e2", "1E+2", "1000000", "123456789012345680000", "1e21", "999999999999999900000",
		"0.000001", "0.0000001", "1e-6", "1e-7", "0.1", "0.3", "21.433333333333334", "2.2250738585072011e-308", "2.2250738585072014e-308",
		"5e-324", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.47032822920623272e-324", "1e-400", "0e400",
		"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e999999999999", "1e-999999999999",
		"9007199254740991", "9007199254740992", "9007199254740993", "9007199254740993.0000000000000000000000000000001",
		"9223372036854775807", "9223372036854775808", "1125899906842624.25", "1125899906842624.125", "1125899906842624.75", "5e-7",
		"0." + strings.Repeat("0", 400) + "1e400", "1" + strings.Repeat("0", 400) + "e-400", strings.Repeat("9", 800) + "e-800",
		strings.Repeat("123456789", 100) + "e-900", "100000000000000016777215", "100000000000000016777216", "8.41e21", "9.5e-5",
		"2.98023223876953125e-8", "5.684341886080802e-14", "1.448997445238699", "6.631236846766476e-316", "9007199254740992.5",
	}
	for exponent := -1074; exponent < 1024; exponent += 13 {
		hard = append(hard, strconv.FormatFloat(math.Ldexp(1, exponent), 'g', -1, 64))
	}
	// The middle between two neighbours, to its last digit, and a little above it.
	for _, middle := range []string{"4503599627370496.5", "4503599627370497.5", "9007199254740993", "1.00000000000000011102230246251565404236316680908203125"} {
		hard = append(hard, middle)
		if strings.Contains(middle, ".") {
			hard = append(hard, middle+strings.Repeat("0", 800)+"1", middle+strings.Repeat("0", 30)+"1")
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		number := math.Float64frombits(random.Uint64())
		if !math.IsNaN(number) && !math.IsInf(number, 0) {
			hard = append(hard, strconv.FormatFloat(number, 'g', -1, 64), strconv.FormatFloat(number, 'e', 25, 64))
		}
		reading := (random.Float64() - 0.5) * math.Pow(10, float64(random.IntN(20)-8))
		hard = append(hard, strconv.FormatFloat(reading, 'f', random.IntN(20), 64), strconv.FormatFloat(reading, 'g', -1, 64))
		hard = append(hard, strconv.FormatFloat(math.Ldexp(float64(1<<52+random.Int64N(1<<52)), -2-random.IntN(2)), 'f', -1, 64))
	}
	return hard
}
