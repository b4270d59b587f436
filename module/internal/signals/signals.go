package signals

import (
	"encoding/json"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Selection makes samples of the values that a selector finds. It belongs to the goroutine of its signal.
type Selection struct {
	selector Pointer
	head     []byte // of a sample: {"signal":"…","value":
	unit     []byte // ,"unit":"…" or nothing
	samples  bool
}

// NewSelection prepares the selection of a signal.
func NewSelection(s module.Signal) (*Selection, error) {
	selector, err := ParsePointer(s.Selector)
	if err != nil {
		return nil, err
	}
	st := &Selection{selector: selector, samples: s.Selector != ""}
	st.head = append([]byte(`{"signal":`), quote(string(s.Name))...)
	if s.DisplayName != "" {
		st.head = append(append(st.head, `,"displayName":`...), quote(s.DisplayName)...)
	}
	st.head = append(st.head, `,"value":`...)
	if s.Unit != "" {
		st.unit = append([]byte(`,"unit":`), quote(s.Unit)...)
	}
	return st, nil
}

// Samples reports whether the signal makes samples; otherwise it works on whole messages.
func (s *Selection) Samples() bool { return s.samples }

// Apply makes the sample of a message that arrived at the given time. There is none where the selector leads to
// nothing or to null: such a message is for somebody else. An error means that the message is not JSON.
//
// A number keeps its digits: the value is copied as it stands in the message.
func (s *Selection) Apply(body []byte, received time.Time) (sample []byte, ok bool, err error) {
	value, ok, err := s.selector.Find(body)
	if err != nil || !ok || string(value) == "null" {
		return nil, false, err
	}
	sample = make([]byte, 0, len(s.head)+len(value)+len(s.unit)+64)
	sample = append(append(append(sample, s.head...), value...), s.unit...)
	sample = append(sample, `,"sourceTimestamp":"`...)
	sample = received.UTC().AppendFormat(sample, "2006-01-02T15:04:05.000Z")
	return append(sample, `"}`...), true, nil
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // a string always marshals
	return quoted
}
