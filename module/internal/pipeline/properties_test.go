package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestPropertiesThatEdgeHubWouldActOnAreNotInherited(t *testing.T) {
	received := module.Properties{
		{Name: module.PropertyMessageID, Value: "m1"}, {Name: module.PropertySenderDevice, Value: "d"}, {Name: module.PropertySenderModule, Value: "sensor"},
		{Name: "mqtt-dup", Value: "true"}, {Name: "MQTT-QoS", Value: "0"}, {Name: "deviceId", Value: "another"}, {Name: "moduleId", Value: "another"},
		{Name: module.PropertyContentType, Value: "text/plain"}, {Name: "color", Value: "red"},
	}
	assert.Equal(t, module.Properties{{Name: module.PropertyContentType, Value: "text/plain"}, {Name: "color", Value: "red"}}, Inherit(received, 0))
}

func TestTheHostsPropertiesReplaceTheSendersWhateverTheCase(t *testing.T) {
	p := Inherit(module.Properties{{Name: "Signal", Value: "theirs"}, {Name: "MESSAGETYPE", Value: "theirs"}, {Name: "color", Value: "red"}}, 4)
	p.Set(PropertySignal, "ours")
	p.Set(PropertyMessageType, "event")
	assert.Equal(t, module.Properties{{Name: "signal", Value: "ours"}, {Name: "messageType", Value: "event"}, {Name: "color", Value: "red"}}, p)
}

func TestTheOriginThatASenderNamedStaysWhateverTheCase(t *testing.T) {
	received := module.Properties{{Name: "SourceDeviceID", Value: "leaf"}, {Name: module.PropertySenderDevice, Value: "gateway"}, {Name: module.PropertySenderModule, Value: "relay"}}
	p := Inherit(received, 4)
	Trace(&p, received, true)
	assert.Equal(t, module.Properties{{Name: "SourceDeviceID", Value: "leaf"}, {Name: "sourceModuleId", Value: "relay"}}, p)
}

func TestSystemPropertiesAreToldApartToTheLetter(t *testing.T) {
	p := module.Properties{{Name: "$.MID", Value: "an application's"}}
	assert.Empty(t, p.Value(module.PropertyMessageID))
	p.Set(module.PropertyMessageID, "m1")
	assert.Equal(t, module.Properties{{Name: "$.MID", Value: "an application's"}, {Name: "$.mid", Value: "m1"}}, p)
}
