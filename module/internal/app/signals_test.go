package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dozen is a twin with a dozen signals that differ. What each makes of the messages of the test below stands beside it there.
const dozen = `{"schemaVersion":"1.0",
"guests":{"pass":{"source":"file:pass.wasm"},"fuse":{"source":"file:pass.wasm"}},
"signalDefaults":{"source":"input:a"},
"templates":{"opc":{"format":"opcSamples","unit":"Cel"}},
"publishGroups":{"soon":{"intervalMs":200,"maxBytes":100000}},
"signals":{
 "temp":     {"use":"opc","node":"ns=2;s=Temp","deadbandType":"absolute","deadbandValue":1},
 "celsius":  {"use":"opc","node":"Fahrenheit","scale":0.5,"offset":-16,"rangeMin":-40,"rangeMax":100,"rangeAction":"clamp"},
 "broken":   {"use":"opc","node":"Broken","dataChangeTrigger":"status"},
 "speed":    {"format":"opcPubSub","node":"Speed","output":"pubsub","payload":"opcPubSub"},
 "volts":    {"format":"modbus","node":"Voltage","dataType":"double","output":"modbus"},
 "id":       {"selector":"/id","dataType":"int64","timestampSelector":"/at","output":"ids"},
 "door":     {"selector":"/door","dataType":"boolean","dataChangeTrigger":"statusValue","skipFirst":true,"output":"doors"},
 "machine":  {"selector":"/machines/*/t","where":{"/machines/*/on":true},"partitionBy":"/machines/*/name","guest":"pass","output":"machines"},
 "slow":     {"selector":"/id","samplingIntervalMs":3600000,"output":"slow"},
 "gathered": {"selector":"/machines/*/t","publishGroup":"soon","output":"batches","payload":"flat"},
 "inner":    {"selector":"/id","output":"","unit":"1"},
 "reader":   {"source":"signal:inner","scale":2,"output":"readers"},
 "fusing":   {"sources":{"left":"input:b","right":"signal:inner"},"guest":"fuse","output":"fused"}
}}`

func TestADozenSignalsMakeOfMessagesWhatTheirSettingsSay(t *testing.T) {
	d := newDevice(t, dozen, "pass")
	d.run()
	d.waitReported("summary.running", "13")

	item := `{"NodeId":%q,"DisplayName":%q,"Value":{"Value":%s,"SourceTimestamp":"2026-01-02T03:04:05.678Z"%s}}`
	d.send("a", "["+fmt.Sprintf(item, "ns=2;s=Temp", "T", "20.50", "")+","+fmt.Sprintf(item, "ns=2;s=F", "Fahrenheit", "50", "")+","+
		fmt.Sprintf(item, "ns=2;s=B", "Broken", "1", "")+"]")
	d.send("a", "["+fmt.Sprintf(item, "ns=2;s=Temp", "T", "21.50", "")+","+fmt.Sprintf(item, "ns=2;s=F", "Fahrenheit", "500", "")+","+
		`{"NodeId":"ns=2;s=B","DisplayName":"Broken","Value":{"StatusCode":{"Code":2147483648,"Symbol":"Bad"}}}]`)
	d.send("a", "["+fmt.Sprintf(item, "ns=2;s=Temp", "T", "21.51", "")+"]")
	d.waitSamples("telemetry", "temp 20.50 first", "celsius 9 first", "broken 1 first", "celsius 100 uncertain", "broken null bad", "temp 21.51")

	d.send("a", `{"MessageId":"1","MessageType":"ua-data","PublisherId":"p","Messages":[{"DataSetWriterId":1,"Payload":{"Speed":{"Value":7,"SourceTimestamp":"2026-01-02T03:04:05Z"}}}]}`)
	d.wait(func() bool { return len(d.bodies("pubsub")) == 1 }, "a network message")
	var network struct {
		PublisherID string `json:"PublisherId"`
		MessageType string
		Messages    []struct {
			Payload map[string]struct{ Value json.Number }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(d.bodies("pubsub")[0]), &network))
	assert.Equal(t, "simulated-device/wasmOnEdge ua-data 7", fmt.Sprint(network.PublisherID, " ", network.MessageType, " ", network.Messages[0].Payload["speed"].Value))

	d.send("a", `[{"PublishTimestamp":"2026-01-02 03:04:05","Content":[{"HwId":"m","Data":[{"SourceTimestamp":"2026-01-02 03:04:05","Values":[{"DisplayName":"Voltage","Address":"40001","Value":"231.5"}]}]}]}]`)
	d.waitSamples("modbus", "volts 231.5 first")

	d.send("a", `{"id":9007199254740993,"at":"2026-01-02T04:04:05.5+01:00","door":false,"machines":[{"name":"m1","t":1,"on":true},{"name":"m2","t":2,"on":false},{"name":"m3","t":3,"on":true}]}`)
	d.send("a", `{"id":9007199254740994,"door":true,"machines":[{"name":"m1","t":4,"on":true}]}`)
	d.waitSamples("ids", "id 9007199254740993 first", "id 9007199254740994")
	assert.Contains(t, d.bodies("ids")[0], `"sourceTimestamp":"2026-01-02T03:04:05.500Z"`)
	d.waitSamples("doors", "door true")
	d.waitSamples("machines", "machine/m1 1 first", "machine/m3 3 first", "machine/m1 4")
	d.waitSamples("slow", "slow 9007199254740993 first")
	d.wait(func() bool { return len(d.bodies("batches")) > 0 }, "a batch")
	d.waitSamples("readers", "reader 18014398509481984 first", "reader 18014398509481988")

	d.send("b", "left")
	d.wait(func() bool { return len(d.bodies("fused")) == 3 }, "both sources")
	assert.Equal(t, "left", d.bodies("fused")[2])
	for _, letter := range d.messages("deadletter") { // signals of several formats read the same input
		assert.Equal(t, "wrong-format", property(t, letter, "deadletter-reason"))
	}
	d.wait(func() bool { s := d.hub.Stats().Modules["wasmOnEdge"]; return s.Acked == 8 }, "all acknowledgements")
}

// waitSamples waits for the samples of an output, without regard to the order of signals.
func (d *device) waitSamples(output string, want ...string) {
	d.t.Helper()
	samples := func() (found []string) {
		for _, body := range d.bodies(output) {
			var s struct {
				Signal, Partition, Quality, Reason string
				Value                              json.RawMessage
			}
			require.NoError(d.t, json.Unmarshal([]byte(body), &s))
			text := s.Signal
			if s.Partition != "" {
				text += "/" + s.Partition
			}
			for _, word := range []string{string(s.Value), s.Quality, s.Reason} {
				if word != "" {
					text += " " + word
				}
			}
			found = append(found, text)
		}
		return found
	}
	d.wait(func() bool { return len(samples()) >= len(want) }, "samples of %s", output)
	assert.ElementsMatch(d.t, want, samples())
}

func TestGatheredSamplesOutliveTheModule(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","publishGroups":{"g":{"intervalMs":3600000}},
		"signals":{"s":{"source":"input:a","selector":"/v","publishGroup":"g","deadbandType":"absolute","deadbandValue":1}}}`)
	stop := d.run()
	d.send("a", `{"v":1}`)
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement")
	assert.Empty(t, d.bodies("telemetry"))
	stop()
	d.wait(func() bool { return len(d.bodies("telemetry")) == 1 }, "what was gathered is sent before the module stops")

	d.run()
	d.send("a", `{"v":1.5}`)
	d.send("a", `{"v":3}`)
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 3 }, "the acknowledgements")
	d.patch(`{"publishGroups":{"g":{"intervalMs":10}}}`)
	d.wait(func() bool { return len(d.bodies("telemetry")) == 2 }, "the second message")
	assert.Regexp(t, `^\[\{"signal":"s","value":3,"sourceTimestamp":"[^"]*"\}\]$`, d.bodies("telemetry")[1], "what was sent before the restart is known")
}

func TestSignalsChangeAndTheOthersMissNothing(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signalDefaults":{"source":"input:a","selector":"/v","dataChangeTrigger":"statusValue"},
		"signals":{"steady":{"output":"steady"},"changing":{"output":"changing"}}}`)
	d.run()
	d.waitReported("summary.running", "2")
	const messages = 300
	go func() {
		for n := range 30 {
			d.patch(fmt.Sprintf(`{"signals":{"changing":{"scale":%d},"extra":%s}}`, n+2, []string{`{"output":"extra"}`, "null"}[n%2]))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for n := range messages {
		d.send("a", fmt.Sprintf(`{"v":%d}`, n/2)) // each value twice
	}
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked >= messages }, "all acknowledgements")
	var want []string
	for n := range messages / 2 {
		want = append(want, fmt.Sprint("steady ", n))
	}
	want[0] += " first"
	d.waitSamples("steady", want...)
}
