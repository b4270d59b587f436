package edgehub

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputTopicNamesTheOutputFirst(t *testing.T) {
	topic := MessageTopic{DeviceID: "d", ModuleID: "m", Name: "al erts", Properties: properties("$.ct", "application/json", "k", "v+w")}
	assert.Equal(t, "devices/d/modules/m/messages/events/%24.on=al%20erts&%24.ct=application%2Fjson&k=v%2Bw/", topic.Output())
	assert.Equal(t, len(topic.Output()), len(outputPrefix("d", "m"))+outputBagLen(topic.Name, topic.Properties))

	back, err := ParseOutputTopic(topic.Output())
	require.NoError(t, err)
	assert.Equal(t, topic, back)

	topic.Properties = nil
	assert.Equal(t, "devices/d/modules/m/messages/events/%24.on=al%20erts/", topic.Output())
	assert.Equal(t, len(topic.Output()), len(outputPrefix("d", "m"))+outputBagLen(topic.Name, nil))
}

func TestOutputTopicsAreReadWithAndWithoutTheLastSlashAndTheOutput(t *testing.T) {
	for topic, want := range map[string]MessageTopic{
		"devices/d/modules/m/messages/events/$.on=o/":       {DeviceID: "d", ModuleID: "m", Name: "o", Properties: Properties{}},
		"devices/d/modules/m/messages/events/%24.on=o":      {DeviceID: "d", ModuleID: "m", Name: "o", Properties: Properties{}},
		"devices/d/modules/m/messages/events/a=1&%24.on=o/": {DeviceID: "d", ModuleID: "m", Name: "o", Properties: properties("a", "1")},
		"devices/d/modules/m/messages/events/a=1":           {DeviceID: "d", ModuleID: "m", Properties: properties("a", "1")},
		"devices/d/modules/m/messages/events/":              {DeviceID: "d", ModuleID: "m"},
		"devices/d/modules/m/messages/events":               {DeviceID: "d", ModuleID: "m"},
	} {
		got, err := ParseOutputTopic(topic)
		require.NoError(t, err, topic)
		assert.Equal(t, want, got, topic)
	}
	for _, topic := range []string{
		"", "devices", "devices/d/messages/events/", "devices//modules/m/messages/events/",
		"devices/d/modules/m/messages/eventsX", "devices/d/modules/m/inputs/i/", "x/d/modules/m/messages/events/",
		"devices/d/modules/m/messages/events/a=b=c/", "devices/d/modules/m/messages/events/moduleId=other/",
	} {
		_, err := ParseOutputTopic(topic)
		assert.Error(t, err, topic)
	}
}

func TestInputTopicHasASlashAfterTheNameEvenWithoutProperties(t *testing.T) {
	topic := MessageTopic{DeviceID: "d", ModuleID: "m", Name: "in put", Properties: properties("$.cdid", "d", "k", "a/b")}
	assert.Equal(t, "devices/d/modules/m/inputs/in%20put/%24.cdid=d&k=a%2Fb", topic.Input())
	back, err := ParseInputTopic(topic.Input())
	require.NoError(t, err)
	assert.Equal(t, topic, back)

	assert.Equal(t, "devices/d/modules/m/inputs/i/", MessageTopic{DeviceID: "d", ModuleID: "m", Name: "i"}.Input())
}

func TestInputTopicsAreReadTolerantly(t *testing.T) {
	for topic, want := range map[string]MessageTopic{
		"devices/d/modules/m/inputs/i":         {DeviceID: "d", ModuleID: "m", Name: "i"},
		"devices/d/modules/m/inputs/i/":        {DeviceID: "d", ModuleID: "m", Name: "i"},
		"devices/d/modules/m/inputs/i/a=%zz":   {DeviceID: "d", ModuleID: "m", Name: "i", Properties: properties("a", "%zz")},
		"devices/d/modules/m/inputs/i/a=1&a=2": {DeviceID: "d", ModuleID: "m", Name: "i", Properties: properties("a", "2")},
	} {
		got, err := ParseInputTopic(topic)
		require.NoError(t, err, topic)
		assert.Equal(t, want, got, topic)
	}
	_, err := ParseInputTopic("devices/d/modules/m/messages/events/")
	assert.Error(t, err)
}

func TestTwinAndMethodTopics(t *testing.T) {
	assert.Equal(t, "$iothub/twin/GET/?$rid=1", TwinGetTopic("1"))
	assert.Equal(t, "$iothub/twin/PATCH/properties/reported/?$rid=1", TwinReportTopic("1"))
	assert.Equal(t, "$iothub/twin/res/200/?$rid=1", TwinResponseTopic(200, "1"))
	assert.Equal(t, "$iothub/twin/PATCH/properties/desired/?$version=7", DesiredTopic(7))
	assert.Equal(t, "$iothub/methods/POST/ping/?$rid=1", MethodTopic("ping", "1"))
	assert.Equal(t, "$iothub/methods/res/200/?$rid=1", MethodResponseTopic(200, "1"))
	assert.Equal(t, "devices/d/modules/m/inputs/#", InputsFilter("d", "m"))

	rid, ok := ParseTwinGetTopic(TwinGetTopic("a-b%20"))
	assert.True(t, ok)
	assert.Equal(t, "a-b%20", rid, "an rid is opaque")

	rid, ok = ParseTwinReportTopic("$iothub/twin/PATCH/properties/reported/")
	assert.True(t, ok, "without an rid the module wants no answer")
	assert.Empty(t, rid)

	status, rid, ok := ParseTwinResponseTopic("$iothub/twin/res/204/?$rid=9&$version=3")
	assert.True(t, ok)
	assert.Equal(t, 204, status)
	assert.Equal(t, "9", rid)

	version, ok := ParseDesiredTopic(DesiredTopic(12))
	assert.True(t, ok)
	assert.EqualValues(t, 12, version)

	for topic, name := range map[string]string{
		"$iothub/methods/POST/ping/?$rid=x":    "ping",
		"$iothub/methods/POST/ping?$rid=x":     "ping",
		"$iothub/methods/POST/a?b/c/?$rid=x":   "a?b/c",
		"$iothub/methods/POST/with sp/?$rid=x": "with sp",
	} {
		got, rid, ok := ParseMethodTopic(topic)
		assert.True(t, ok, topic)
		assert.Equal(t, name, got)
		assert.Equal(t, "x", rid)
	}

	status, rid, ok = ParseMethodResponseTopic(MethodResponseTopic(-3, "x"))
	assert.True(t, ok)
	assert.Equal(t, -3, status)
	assert.Equal(t, "x", rid)
}

func TestTopicsOfOthersAreNotTakenForTwinOrMethods(t *testing.T) {
	for _, topic := range []string{
		"", "$iothub", "$iothub/twin/GET", "$iothub/twin/GET/", "$iothub/twin/GET/?$rid=", "$iothub/twin/GET/?rid=1",
		"$iothub/twin/res/x/?$rid=1", "$iothub/twin/res/200", "$iothub/twin/PATCH/properties/desired/?$version=x",
		"$iothub/methods/POST/", "$iothub/methods/POST/ping", "$iothub/methods/res/?$rid=1",
	} {
		_, ok := ParseTwinGetTopic(topic)
		assert.False(t, ok, topic)
		_, _, ok = ParseTwinResponseTopic(topic)
		assert.False(t, ok, topic)
		_, ok = ParseDesiredTopic(topic)
		assert.False(t, ok, topic)
		_, _, ok = ParseMethodTopic(topic)
		assert.False(t, ok, topic)
		_, _, ok = ParseMethodResponseTopic(topic)
		assert.False(t, ok, topic)
	}
}

func FuzzTopics(f *testing.F) {
	f.Add("devices/d/modules/m/messages/events/%24.on=o&a=1/")
	f.Add("devices/d/modules/m/inputs/i/%24.cdid=d")
	f.Add("$iothub/methods/POST/a/?$rid=1")
	f.Add("$iothub/twin/res/200/?$rid=1")
	f.Fuzz(func(t *testing.T, topic string) {
		if !isText(topic) {
			return // no topic at all
		}
		if out, err := ParseOutputTopic(topic); err == nil {
			again, err := ParseOutputTopic(out.Output())
			require.NoError(t, err)
			assert.Equal(t, out.Name, again.Name)
			assert.ElementsMatch(t, out.Properties, again.Properties)
		}
		if in, err := ParseInputTopic(topic); err == nil {
			again, err := ParseInputTopic(in.Input())
			require.NoError(t, err)
			assert.Equal(t, in.Name, again.Name)
		}
		if name, rid, ok := ParseMethodTopic(topic); ok {
			gotName, gotRID, ok := ParseMethodTopic(MethodTopic(name, rid))
			assert.True(t, ok)
			assert.Equal(t, name, gotName)
			assert.Equal(t, rid, gotRID)
		}
		ParseTwinGetTopic(topic)
		ParseTwinReportTopic(topic)
		ParseTwinResponseTopic(topic)
		ParseDesiredTopic(topic)
		ParseMethodResponseTopic(topic)
	})
}
