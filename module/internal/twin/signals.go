package twin

import (
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// draft is a signal while its layers are read over each other.
type draft struct {
	module.Signal
	use      string         // its template
	settings map[string]any // its own: the guest's come under them later
}

// signalFields are the settings of a signal, which signalDefaults and templates hold too. Their meaning is that
// of OPC UA and of OPC Publisher's published nodes.
var signalFields = table[draft]{
	one("use", func(s *draft) *string { return &s.use }, "", text[string](checkNameOrNone)),
	one("status", func(s *draft) *module.Status { return &s.Status }, module.StatusRunning,
		choice(module.StatusRunning, module.StatusStopped)),

	replacing(one("source", func(s *draft) *module.Source { return &s.Source }, module.Source{}, signalSource),
		func(s *draft) { s.Sources = nil }),
	replacing(mapOf("sources", func(s *draft) *map[string]module.Source { return &s.Sources }, checkName, signalSource),
		func(s *draft) { s.Source = module.Source{} }),

	one("format", func(s *draft) *module.Format { return &s.Format }, module.FormatJSON,
		choice(module.FormatJSON, module.FormatOPCSamples, module.FormatOPCPubSub, module.FormatModbus)),
	one("selector", func(s *draft) *string { return &s.Selector }, "", text[string](checkPointer)),
	mapOf("where", func(s *draft) *map[string]string { return &s.Where }, checkPointer, scalarText),
	one("timestampSelector", func(s *draft) *string { return &s.TimestampSelector }, "", text[string](checkPointer)),
	one("qualitySelector", func(s *draft) *string { return &s.QualitySelector }, "", text[string](checkPointer)),
	one("node", func(s *draft) *string { return &s.Node }, "", text[string](anyText)),
	one("partitionBy", func(s *draft) *string { return &s.PartitionBy }, "", text[string](checkPartition)),
	one("maxPartitions", func(s *draft) *int { return &s.MaxPartitions }, 1000, whole(1, 1, 100000)),

	one("dataType", func(s *draft) *string { return &s.DataType }, "auto",
		choice("double", "int64", "string", "boolean", "json", "auto")),
	one("scale", func(s *draft) *float64 { return &s.Scale }, 1, real),
	one("offset", func(s *draft) *float64 { return &s.Offset }, 0, real),
	one("rangeMin", func(s *draft) **float64 { return &s.RangeMin }, nil, present(real)),
	one("rangeMax", func(s *draft) **float64 { return &s.RangeMax }, nil, present(real)),
	one("rangeAction", func(s *draft) *string { return &s.RangeAction }, "uncertain", choice("uncertain", "clamp", "drop")),
	one("unit", func(s *draft) *string { return &s.Unit }, "", text[string](anyText)),
	expanded(one("displayName", func(s *draft) *string { return &s.DisplayName }, "", text[string](anyText))),

	one("samplingIntervalMs", func(s *draft) *time.Duration { return &s.SamplingInterval }, 0, whole(ms, 0, longest)),
	one("deadbandType", func(s *draft) *string { return &s.DeadbandType }, deadbandNone,
		choice(deadbandNone, deadbandAbsolute, deadbandPercent)),
	one("deadbandValue", func(s *draft) *float64 { return &s.DeadbandValue }, 0, atLeast(0)),
	one("dataChangeTrigger", func(s *draft) *string { return &s.DataChangeTrigger }, "", // by the deadband: defaultTrigger
		choice(triggerStatus, triggerStatusValue, "statusValueTimestamp", triggerAlways)),
	one("heartbeatIntervalMs", func(s *draft) *time.Duration { return &s.HeartbeatInterval }, 0, whole(ms, 0, longest)),
	one("heartbeatBehavior", func(s *draft) *string { return &s.HeartbeatBehavior }, "watchdogLKV",
		choice("watchdogLKV", "watchdogLKG", "periodicLKV", "periodicLKG", "periodicLKVDropValue", "periodicLKGDropValue",
			"watchdogLKVDiagnosticsOnly")),
	one("skipFirst", func(s *draft) *bool { return &s.SkipFirst }, false, boolean),

	one("guest", func(s *draft) *module.GuestName { return &s.Guest }, "", text[module.GuestName](checkNameOrNone)),
	one("publishGroup", func(s *draft) *string { return &s.PublishGroup }, "", text[string](checkNameOrNone)),
	one("queueSize", func(s *draft) *int { return &s.QueueSize }, 0, whole(1, 0, 1000000)),
	one("discardNew", func(s *draft) *bool { return &s.DiscardNew }, false, boolean),
	one("output", func(s *draft) *module.OutputName { return &s.Output }, module.OutputTelemetry, text[module.OutputName](checkOutput)),
	one("payload", func(s *draft) *string { return &s.Payload }, "samples", choice("samples", "flat", "opcPubSub")),
	expanded(mapOf("properties", func(s *draft) *map[string]string { return &s.Properties }, checkProperty, text[string](anyText))),
	expanded(freeform("settings", func(s *draft) *map[string]any { return &s.settings })),
}

// Words of the fields above that decide what other fields mean.
const (
	deadbandNone       = "none"
	deadbandAbsolute   = "absolute"
	deadbandPercent    = "percent"
	triggerStatus      = "status"
	triggerStatusValue = "statusValue"
	triggerAlways      = "always"
)

// replacing is a field that takes the place of another: what a lower layer gave that one is dropped.
func replacing(f field[draft], other func(s *draft)) field[draft] {
	set := f.set
	f.set = func(s *draft, value any, at path, e *entry) {
		other(s)
		set(s, value, at, e)
	}
	return f
}

func checkNameOrNone(name string) *problem {
	if name == "" {
		return nil
	}
	return checkName(name)
}

func checkOutput(name string) *problem {
	if module.OutputName(name) == module.OutputDeadLetter {
		return wrongly("output %q is kept for what cannot be processed", name)
	}
	return checkNameOrNone(name)
}

// reservedProperties begin the names of properties that are IoT Hub's, edgeHub's and this module's own; edgeHub
// acts on some of them, for example "mqtt-qos".
var reservedProperties = []string{"$", "iothub-", "mqtt-", "deadletter-"}

func checkProperty(name string) *problem {
	switch name {
	case "":
		return wrongly("a property needs a name")
	case "deviceId", "moduleId":
		return wrongly("edgeHub would take the property %q for the sender", name)
	}
	for _, prefix := range reservedProperties {
		if strings.HasPrefix(name, prefix) {
			return wrongly("names that begin with %q are reserved", prefix)
		}
	}
	return nil
}
