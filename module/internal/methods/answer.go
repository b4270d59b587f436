package methods

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// maxAnswer is how many bytes an answer may have: IoT Hub takes 128 KiB, and the caller's side wraps it.
const maxAnswer = 120 << 10

// shortener is an answer that can be made shorter, and says so in itself. shorten reports false when nothing is left to cut.
type shortener interface{ shorten() bool }

// encode returns an answer that fits.
func encode(answer any) (int, []byte) {
	for {
		b, err := json.Marshal(answer)
		if err != nil {
			return encodeError(&Error{Status: 500, Code: "internal", Message: "encode answer: " + err.Error()})
		}
		if len(b) <= maxAnswer {
			return 200, b
		}
		if s, ok := answer.(shortener); !ok || !s.shorten() {
			return encodeError(&Error{Status: 500, Code: "tooLarge", Message: fmt.Sprintf("the answer of %d bytes exceeds %d", len(b), maxAnswer)})
		}
	}
}

// halve leaves half of a list, and reports whether there was anything to cut.
func halve[E any](list *[]E) bool {
	if len(*list) == 0 {
		return false
	}
	*list = (*list)[:len(*list)/2]
	return true
}

// clip cuts text to so many bytes, between two characters, and shows it.
func clip(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	for bytes > 0 && !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes] + "…"
}
