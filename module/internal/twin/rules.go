package twin

import (
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// rule is what fields of a signal require of each other. Where one of them was refused it is not asked.
type rule struct {
	fields []string // at the first of them it is reported
	broken func(s *draft) bool
	reason string
	hint   string
}

// The shortest intervals of timers and of heartbeats, of which there can be thousands.
const (
	minTimer     = 10 * time.Millisecond
	minHeartbeat = 100 * time.Millisecond
)

var rules = []rule{
	{
		fields: []string{"source", "sources"},
		broken: func(s *draft) bool { return s.Source.Kind == "" && len(s.Sources) == 0 },
		reason: "is missing", hint: `give "input:NAME", "signal:NAME" or "timer"`,
	},
	{
		fields: []string{"samplingIntervalMs"},
		broken: func(s *draft) bool { return timed(s) && s.SamplingInterval < minTimer },
		reason: "a timer needs an interval of 10 or more", hint: "its ticks are this many milliseconds apart",
	},
	{
		fields: []string{"guest"},
		broken: func(s *draft) bool { return timed(s) && s.Guest == "" },
		reason: "is missing: a tick of a timer is work for a guest",
	},
	{
		fields: []string{"deadbandType", "rangeMin", "rangeMax"},
		broken: func(s *draft) bool {
			return s.DeadbandType == deadbandPercent && (s.RangeMin == nil || s.RangeMax == nil)
		},
		reason: "percent needs a range to be a percentage of", hint: "give rangeMin and rangeMax",
	},
	{
		fields: []string{"deadbandValue"},
		broken: func(s *draft) bool { return s.DeadbandType == deadbandPercent && s.DeadbandValue > 100 },
		reason: "must be from 0 to 100 percent",
	},
	{
		fields: []string{"rangeMin"},
		broken: func(s *draft) bool { return s.RangeMin != nil && s.RangeMax != nil && *s.RangeMin >= *s.RangeMax },
		reason: "must be less than rangeMax",
	},
	{
		fields: []string{"scale"},
		broken: func(s *draft) bool { return s.Scale == 0 },
		reason: "must not be 0: all values would be the same",
	},
	{
		fields: []string{"heartbeatIntervalMs"},
		broken: func(s *draft) bool { return s.HeartbeatInterval > 0 && s.HeartbeatInterval < minHeartbeat },
		reason: "must be 0 for none, or 100 or more", hint: "it is in milliseconds",
	},
	{
		fields: []string{"sources"},
		broken: func(s *draft) bool { return repeats(s.Sources) },
		reason: "names a source more than once", hint: "a guest hears of each message once",
	},
}

// follow refuses the signal for the rules that it breaks.
func (n *node) follow(rules []rule) {
	for _, rule := range rules {
		refused := func(field string) bool { return n.entry.refusedIn(n.origin(field)) }
		if rule.broken(&n.draft) && !slices.ContainsFunc(rule.fields, refused) {
			n.entry.refuse(n.origin(rule.fields[0]), &problem{reason: rule.reason, hint: rule.hint})
		}
	}
}

// repeats reports whether two keys stand for one source.
func repeats(sources map[string]module.Source) bool {
	seen := make(map[module.Source]bool, len(sources))
	for _, source := range sources {
		seen[source] = true
	}
	return len(seen) < len(sources)
}

func numeric(dataType string) bool {
	return dataType == "double" || dataType == "int64" || dataType == "auto"
}

// defaultTrigger returns the dataChangeTrigger of a signal that names none.
func defaultTrigger(deadband string) string {
	if deadband == deadbandNone {
		return triggerAlways
	}
	return triggerStatusValue
}
