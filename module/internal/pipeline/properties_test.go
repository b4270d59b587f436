package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestPropertiesThatEdgeHubWouldActOnAreNotInherited(t *testing.T) {
	received := module.Properties{
		{Name: module.PropertyMessageID, Value: "m1"}, {Name: module.PropertySenderDevice, Value: "d"}, {Name: module.PropertySenderModule, Value: "sensor"},
		{Name: "mqtt-dup", Value: "true"}, {Name: "deviceId", Value: "another"}, {Name: "moduleId", Value: "another"},
		{Name: module.PropertyContentType, Value: "text/plain"}, {Name: "color", Value: "red"},
	}
	assert.Equal(t, module.Properties{{Name: module.PropertyContentType, Value: "text/plain"}, {Name: "color", Value: "red"}}, Inherit(received, 0))
}
