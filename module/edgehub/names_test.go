package edgehub

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// FuzzNames holds the two ways in which names are compared against each other, and against what edgeHub does.
func FuzzNames(f *testing.F) {
	for _, pair := range [][2]string{{"Level", "level"}, {"level", "levels"}, {"ς", "Σ"}, {"Ⱥ", "ⱥ"}, {"K", "k"}, {"$.mid", "$.MID"}, {"ack", "ACK"}, {"", "a"}, {"@", "`"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || strings.Contains(a+b, "\x00") {
			return // refused before they are compared
		}
		same := sameName(a, b)
		assert.Equal(t, same, sameName(b, a))
		assert.Equal(t, same, nameKey(a) == nameKey(b))
		if !isSystem(a) && !isSystem(b) && upper(a) == upper(b) {
			assert.True(t, same, "edgeHub takes them for one")
		}
	})
}

// upper is how .NET compares without case: character by character, with the simple mapping, and no letter beyond ASCII
// becomes one of ASCII.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		u := []rune(strings.ToUpper(string(r)))[0]
		if r >= utf8.RuneSelf && u < utf8.RuneSelf {
			return r
		}
		return u
	}, s)
}

func BenchmarkCheckOutgoing(b *testing.B) {
	usual := properties("$.ct", "application/json", "$.ce", "utf-8", "messageType", "sample", "signal", "machineTemperature", "$.cid", "x",
		"sourceDeviceId", "d", "sourceModuleId", "m", "severity", "warning", "batchId", "b", "sequenceNumber", "17", "$.mid", "01234567890123456789012345")
	many := slices.Clone(usual)
	for i := range 20 {
		many = append(many, struct{ Name, Value string }{Name: fmt.Sprint("property", i)})
	}
	for _, p := range []Properties{usual, many} {
		b.Run(fmt.Sprint(len(p)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := checkOutgoing("alerts", p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
