package edge

import (
	"errors"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan"
)

// Sample is one value of a signal.
type Sample struct {
	Signal           string  // the signal's name in the twin
	Value            Value   // valid until the handler returns
	Unit             string  // of Value, as the twin gives it; may be empty
	SourceTimestamp  string  // when the value was, or arrived: RFC 3339 in UTC
	PublishTimestamp string  // of a heartbeat: when it was repeated; else empty
	Quality          Quality // how far Value can be trusted
	Reason           Reason  // why the sample comes now
}

// Quality is how far a value can be trusted, in OPC UA's words.
type Quality string

// The qualities.
const (
	Good      Quality = "good"
	Uncertain Quality = "uncertain"
	Bad       Quality = "bad"
)

// Reason is why a sample was sent.
type Reason string

// The reasons.
const (
	Change    Reason = "change"    // a reading as it came
	Heartbeat Reason = "heartbeat" // the last known value again, not a new reading
	First     Reason = "first"     // the first one since the signal started
)

// Float returns the value as a number and whether it is one.
func (s *Sample) Float() (float64, bool) { return s.Value.Float() }

// decode reads a sample from the host's JSON. Keys of a newer host are passed over.
func (s *Sample) decode(body []byte) error {
	old := *s
	*s = Sample{Quality: Good, Reason: Change}
	members := scan.Members(body)
	for members.Next() {
		if err := s.set(members.Key, members.Value, &old); err != nil {
			return err
		}
	}
	if err := members.Err(); err != nil {
		return err
	}
	if s.Value == nil {
		return errors.New(`no "value": is the signal without a selector?`)
	}
	return nil
}

// set takes one member; texts that have not changed are taken over from the old sample.
func (s *Sample) set(key, value []byte, old *Sample) (err error) {
	switch string(key) {
	case "value":
		s.Value = value
	case "signal":
		s.Signal, err = text("signal", value, old.Signal)
	case "unit":
		s.Unit, err = text("unit", value, old.Unit)
	case "sourceTimestamp":
		s.SourceTimestamp, err = text("sourceTimestamp", value, old.SourceTimestamp)
	case "publishTimestamp":
		s.PublishTimestamp, err = text("publishTimestamp", value, old.PublishTimestamp)
	case "quality":
		s.Quality, err = text("quality", value, old.Quality)
	case "reason":
		s.Reason, err = text("reason", value, old.Reason)
	}
	return err
}
