package pipeline

import (
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Application properties that the host adds to what is sent.
const (
	PropertyMessageType  = "messageType"
	PropertySignal       = "signal"
	PropertyPartition    = "partition"
	PropertySourceDevice = "sourceDeviceId"
	PropertySourceModule = "sourceModuleId"
)

// Inherit returns the properties of a message that is passed on, with room for extra more: without its id and without
// what edgeHub alone may set.
func Inherit(properties module.Properties, extra int) module.Properties {
	inherited := make(module.Properties, 0, len(properties)+extra)
	for _, p := range properties {
		switch {
		case p.Name == module.PropertySenderDevice, p.Name == module.PropertySenderModule, p.Name == module.PropertyMessageID,
			p.Name == "deviceId", p.Name == "moduleId", isMQTT(p.Name): // edgeHub would act on them
		default:
			inherited = append(inherited, p)
		}
	}
	return inherited
}

// isMQTT tells whether edgeHub takes a property for a wish about the packet: it finds those whatever their case.
func isMQTT(name string) bool {
	const prefix = "mqtt-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// distinct removes the properties whose names differ from an earlier one in case only: a guest may emit such a message,
// and its dead letter has to reach edgeHub.
func distinct(properties module.Properties) module.Properties {
	seen := make(map[string]bool, len(properties))
	return slices.DeleteFunc(properties, func(p struct{ Name, Value string }) bool {
		key := p.Name
		if !strings.HasPrefix(key, "$") {
			key = strings.ToLower(strings.ToUpper(key)) // both: some letters have two small forms
		}
		before := seen[key]
		seen[key] = true
		return before
	})
}

// Trace adds to the properties of a message what leads back to the one it came of: its id as the correlation id, and,
// where origin is set, the device and module that sent it. What is there already stays.
func Trace(to *module.Properties, of module.Properties, origin bool) {
	add := func(name, value string) {
		if _, there := to.Get(name); !there && value != "" {
			to.Set(name, value)
		}
	}
	cid := of.Value(module.PropertyCorrelationID)
	if cid == "" {
		cid = of.Value(module.PropertyMessageID)
	}
	add(module.PropertyCorrelationID, cid)
	if origin {
		device, sender := Origin(of)
		add(PropertySourceDevice, device)
		add(PropertySourceModule, sender)
	}
}

// Origin returns the device and the module that a message came from at first.
func Origin(of module.Properties) (device, sender string) {
	if device = of.Value(PropertySourceDevice); device == "" {
		device = of.Value(module.PropertySenderDevice)
	}
	if sender = of.Value(PropertySourceModule); sender == "" {
		sender = of.Value(module.PropertySenderModule)
	}
	return device, sender
}
