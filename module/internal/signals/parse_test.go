package signals

import (
	"encoding/json"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// parseSample reads a sample that AppendSample wrote with encoding/json, and nothing that is not exactly one. False
// means that the body is something else. The value is a part of body.
func parseSample(body []byte) (module.Sample, bool) {
	var wire struct {
		Signal    string          `json:"signal"`
		Value     json.RawMessage `json:"value"`
		Time      time.Time       `json:"sourceTimestamp"`
		Quality   string          `json:"quality"`
		Reason    string          `json:"reason"`
		Published time.Time       `json:"publishTimestamp"`
	}
	if json.Unmarshal(body, &wire) != nil || wire.Signal == "" || wire.Value == nil || wire.Time.IsZero() {
		return module.Sample{}, false
	}
	quality, known := parseWord(wire.Quality, module.Good, module.Uncertain, module.Bad)
	reason, also := parseWord(wire.Reason, module.Change, module.First, module.Heartbeat)
	return module.Sample{Value: wire.Value, SourceTimestamp: wire.Time, Quality: quality, Reason: reason, Published: wire.Published}, known && also
}

// parseWord returns which of the choices is spelled so; no word is the first.
func parseWord[W interface{ String() string }](word string, choices ...W) (W, bool) {
	for _, choice := range choices {
		if word == choice.String() {
			return choice, true
		}
	}
	return choices[0], word == ""
}
