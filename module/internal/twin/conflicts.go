package twin

import (
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// conflict is fields of a signal that do not go with what other fields say.
type conflict struct {
	fields   []string // each of these that is given is reported, or with once the first of them
	once     bool
	by       []string // fields that decide it; where one of them was refused it is not asked
	when     func(s *draft) bool
	reason   string
	hint     string
	harmless bool // worth a warning: the field does nothing, and nothing wrong comes of it
}

// valueFields are the fields that mean a value: without one they do nothing, which nobody would see.
var valueFields = []string{
	"timestampSelector", "qualitySelector", "scale", "offset", "rangeMin", "rangeMax", "deadbandType", "dataChangeTrigger",
	"heartbeatIntervalMs", "skipFirst",
}

// messageFields are the fields that say how values are found in messages.
var messageFields = []string{"format", "selector", "where", "node", "partitionBy"}

var conflicts = []conflict{
	{
		fields: []string{"selector", "where", "timestampSelector", "qualitySelector"}, by: []string{"format"},
		when:   func(s *draft) bool { return s.Format != module.FormatJSON },
		reason: "is for the format json", hint: "node finds values in the other formats, which bring time and quality with them",
	},
	{
		fields: []string{"node"}, by: []string{"format"},
		when:   func(s *draft) bool { return s.Format == module.FormatJSON },
		reason: "is for the formats opcSamples, opcPubSub and modbus", hint: "give format, or in json find values with selector and where",
	},
	{
		fields: valueFields, once: true, by: []string{"source", "sources", "format", "selector"}, when: wholeMessages,
		reason: "is for values, and without a selector the signal takes whole messages", hint: "give a selector",
	},
	{
		fields: []string{"dataType"}, by: []string{"source", "sources", "format", "selector"},
		when:   func(s *draft) bool { return wholeMessages(s) && s.DataType != "json" },
		reason: "is for values, and without a selector the signal takes whole messages", hint: "give a selector",
	},
	{
		fields: slices.Concat(messageFields, valueFields, []string{"dataType"}), once: true, by: []string{"source", "sources"}, when: ticksOnly,
		reason: "is for messages, and all that this signal gets are the ticks of a timer",
	},
	{
		fields: []string{"partitionBy"}, by: []string{"source", "sources"},
		when:   func(s *draft) bool { return timed(s) && !ticksOnly(s) },
		reason: "does not go with a timer: a tick has no key", hint: "give the ticks to a signal of their own",
	},
	{
		fields: []string{"scale", "offset", "rangeMin", "rangeMax"}, by: []string{"dataType"},
		when:   func(s *draft) bool { return !numeric(s.DataType) },
		reason: "is for numbers only, and dataType says that the values are none",
	},

	{
		fields: []string{"deadbandType"}, by: []string{"dataType"}, harmless: true,
		when:   func(s *draft) bool { return !numeric(s.DataType) },
		reason: "has no effect: of values that are no numbers any change is a change",
	},
	{
		fields: []string{"deadbandType"}, by: []string{"dataChangeTrigger"}, harmless: true,
		when: func(s *draft) bool {
			return s.DataChangeTrigger == triggerStatus || s.DataChangeTrigger == triggerAlways
		},
		reason: "has no effect: dataChangeTrigger does not ask for changes of the value", hint: "leave dataChangeTrigger out, or give statusValue",
	},
	{
		fields: []string{"deadbandValue"}, by: []string{"deadbandType"}, harmless: true,
		when:   func(s *draft) bool { return s.DeadbandType == deadbandNone },
		reason: "has no effect without deadbandType", hint: "give absolute or percent",
	},
	{
		fields: []string{"rangeAction"}, by: []string{"rangeMin", "rangeMax"}, harmless: true,
		when:   func(s *draft) bool { return s.RangeMin == nil && s.RangeMax == nil },
		reason: "has no effect without rangeMin or rangeMax",
	},
	{
		fields: []string{"heartbeatBehavior"}, by: []string{"heartbeatIntervalMs"}, harmless: true,
		when:   func(s *draft) bool { return s.HeartbeatInterval == 0 },
		reason: "has no effect without heartbeatIntervalMs",
	},
	{
		fields: []string{"queueSize", "discardNew"}, by: []string{"publishGroup"}, harmless: true,
		when:   func(s *draft) bool { return s.PublishGroup == "" },
		reason: "has no effect without publishGroup: nothing waits",
	},
	{
		fields: []string{"maxPartitions"}, by: []string{"partitionBy"}, harmless: true,
		when:   func(s *draft) bool { return s.PartitionBy == "" },
		reason: "has no effect without partitionBy",
	},
	{
		fields: []string{"payload"}, by: []string{"source", "sources", "format", "selector"}, harmless: true,
		when:   func(s *draft) bool { return wholeMessages(s) || ticksOnly(s) },
		reason: "has no effect: it is the shape of values, and this signal has none",
	},
	{
		fields: []string{"sources"}, by: []string{"guest"}, harmless: true,
		when:   func(s *draft) bool { return s.Guest == "" && len(s.Sources) > 1 },
		reason: "without a guest nothing tells their values apart in what is sent", hint: "give each a signal of its own",
	},
	{
		fields: []string{"format"}, by: []string{"node", "partitionBy"}, harmless: true,
		when:   func(s *draft) bool { return s.Format != module.FormatJSON && s.Node == "" && s.PartitionBy == "" },
		reason: "without node the values of all tags are taken for those of one", hint: "give node, or partitionBy to tell them apart",
	},
}

// settle reports the fields of the signal that do not go together, each for the first reason only.
func (n *node) settle(conflicts []conflict) {
	given := signalFields.given(&n.draft)
	refused := func(field string) bool { return n.entry.refusedIn(n.origin(field)) }
	told := map[string]bool{}
	for _, c := range conflicts {
		if !c.when(&n.draft) || slices.ContainsFunc(c.by, refused) {
			continue
		}
		for _, field := range c.fields {
			if !slices.Contains(given, field) || told[field] || refused(field) {
				continue
			}
			told[field] = true
			n.tell(field, c)
			if c.once {
				break
			}
		}
	}
}

func (n *node) tell(field string, c conflict) {
	wrong := &problem{reason: c.reason, hint: c.hint}
	if c.harmless {
		n.entry.warn(n.origin(field), wrong)
	} else {
		n.entry.refuse(n.origin(field), wrong)
	}
}

// everySource returns the sources of a signal, be it one or several.
func everySource(s *draft) []module.Source {
	if len(s.Sources) == 0 {
		return []module.Source{s.Source}
	}
	all := make([]module.Source, 0, len(s.Sources))
	for _, source := range s.Sources {
		all = append(all, source)
	}
	return all
}

// wholeMessages reports whether the signal takes messages of an input as they are. Of another signal it takes the values that
// the host makes of them.
func wholeMessages(s *draft) bool {
	return s.Format == module.FormatJSON && s.Selector == "" &&
		slices.ContainsFunc(everySource(s), func(source module.Source) bool { return source.Kind == module.SourceInput })
}

// timed reports whether a timer is among the signal's sources.
func timed(s *draft) bool {
	return slices.ContainsFunc(everySource(s), isTimer)
}

// ticksOnly reports whether the signal has no source but timers.
func ticksOnly(s *draft) bool {
	return !slices.ContainsFunc(everySource(s), func(source module.Source) bool { return !isTimer(source) })
}

func isTimer(source module.Source) bool { return source.Kind == module.SourceTimer }

// companions are the pointers that lead to something beside the value, by the fields that hold them, and the paths within.
func (n *node) companions() map[path]string {
	all := map[path]string{}
	for field, pointer := range map[string]string{
		"timestampSelector": n.draft.TimestampSelector, "qualitySelector": n.draft.QualitySelector, "partitionBy": n.draft.PartitionBy,
	} {
		if pointer != "" && !strings.HasPrefix(pointer, "property:") {
			all[n.origin(field)] = pointer
		}
	}
	for pointer := range n.draft.Where {
		all[n.origin("where").key(pointer)] = pointer
	}
	return all
}

// align refuses pointers with a * that the selector does not have in the same place: which element they mean is not said.
func (n *node) align() {
	selector := n.draft.Selector
	if n.draft.Format != module.FormatJSON || n.entry.refusedIn(n.origin("selector")) {
		return
	}
	for at, pointer := range n.companions() {
		last := strings.LastIndex(pointer+"/", "/*/")
		if last < 0 || strings.HasPrefix(selector+"/", pointer[:last]+"/*/") {
			continue
		}
		wrong := wrongly("its * must be one of the selector's: it means the same element")
		if i := strings.LastIndex(selector+"/", "/*/"); i >= 0 {
			wrong.hint = "begin it with " + quote(selector[:i]+"/*")
		}
		n.entry.refuse(at, wrong)
	}
}
