package pipeline

import (
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Application properties that the host adds to what is sent.
const (
	PropertyMessageType  = "messageType"
	PropertySignal       = "signal"
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
			p.Name == "deviceId", p.Name == "moduleId", strings.HasPrefix(p.Name, "mqtt-"): // edgeHub would act on them
		default:
			inherited = append(inherited, p)
		}
	}
	return inherited
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
		for _, p := range [...][2]string{{PropertySourceDevice, module.PropertySenderDevice}, {PropertySourceModule, module.PropertySenderModule}} {
			value := of.Value(p[0])
			if value == "" {
				value = of.Value(p[1])
			}
			add(p[0], value)
		}
	}
}
