package app

import (
	"encoding/json"
	"os"
	"time"
)

// builtAt is when this program was made, as far as its file says; the zero time where it does not.
func builtAt() time.Time {
	path, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// lastUpdated is when IoT Hub changed a desired section last, where that says so; else the zero time.
func lastUpdated(desired []byte) time.Time {
	var section struct {
		Metadata struct {
			LastUpdated time.Time `json:"$lastUpdated"`
		} `json:"$metadata"`
	}
	if json.Unmarshal(desired, &section) != nil {
		return time.Time{}
	}
	return section.Metadata.LastUpdated
}

// tendClock notices when the wall clock becomes suspect, and when it no longer is, and says so.
func (a *App) tendClock() {
	suspect := a.clock.Suspect()
	if a.clockSuspect.Swap(suspect) == suspect {
		return
	}
	if suspect {
		a.log.Warn().Time("clock", time.Now()).Msg("the wall clock is not to be believed: it was just set, or is before the time of this program or its twin; " +
			"samples are stamped as uncertain, and edgeHub may refuse tokens and certificates until the clock is set")
	} else {
		a.log.Info().Time("clock", time.Now()).Msg("the wall clock is believed again")
	}
	a.reconciler.Changed()
}
