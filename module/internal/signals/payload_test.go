package signals

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

var group = Batch{Group: "minute", PublisherID: "edge-1/wasm", MessageID: "01JB", Time: at(60_000)}

func body(payload string, about Batch, items ...Named) string {
	return string(AppendPayload(nil, payload, items, about))
}

func TestOneSampleStandsByItselfAndAGroupIsAnArray(t *testing.T) {
	a, b := named("a", 0), named("b", 1)
	one := `{"signal":"a","value":21.50,"sourceTimestamp":"2026-03-01T12:00:00.000Z"}`
	two := `{"signal":"b","value":21.50,"sourceTimestamp":"2026-03-01T12:00:00.001Z"}`
	raw := Named{Signal: "a", Raw: []byte(`{"alarm":true}`)}
	assert.Equal(t, one, body("samples", Batch{}, a))
	assert.Equal(t, "["+one+","+two+"]", body("samples", Batch{}, a, b))
	assert.Equal(t, "["+one+"]", body("samples", group, a))
	assert.Equal(t, "["+one+`,{"alarm":true},`+two+"]", body("samples", group, a, raw, b))
	assert.Equal(t, `{"alarm":true}`, body("samples", Batch{}, raw))
}

func TestFlatPutsSamplesOfOneTimeTogether(t *testing.T) {
	bad := named("bad", 0)
	bad.Quality = module.Bad
	m7 := named("a", 0)
	m7.Partition = "m-7"
	raw := Named{Signal: "r", Raw: []byte(`{"alarm":true}`)}

	assert.Equal(t, `{"sourceTimestamp":"2026-03-01T12:00:00.000Z","a":21.50}`, body("flat", Batch{}, named("a", 0)))
	assert.JSONEq(t, `[
		{"sourceTimestamp":"2026-03-01T12:00:00.000Z","a":21.50,"bad":null,"b":21.50},
		{"sourceTimestamp":"2026-03-01T12:00:01.000Z","a":21.50},
		{"alarm":true},
		{"sourceTimestamp":"2026-03-01T12:00:00.000Z","partition":"m-7","a":21.50},
		{"sourceTimestamp":"2026-03-01T12:00:00.000Z","a":21.50}
	]`, body("flat", group, named("a", 0), named("a", 1000), bad, raw, m7, named("b", 0), named("a", 0)))
}

func TestPubSubIsANetworkMessageAsOPCPublisherSendsIt(t *testing.T) {
	bad, uncertain, m7 := named("bad", 0), named("u", 0), named("a", 0)
	bad.Quality, bad.Value = module.Bad, nil
	uncertain.Quality = module.Uncertain
	m7.Partition = "m-7"
	raw := Named{Signal: "r", Raw: []byte(`{"alarm":true}`)}

	const time = `"2026-03-01T12:00:00.000Z"`
	const head = `"MessageType":"ua-deltaframe","Timestamp":"2026-03-01T12:01:00.000Z"`
	assert.JSONEq(t, `{"MessageId":"01JB","MessageType":"ua-data","PublisherId":"edge-1/wasm","DataSetWriterGroup":"minute","Messages":[
		{"DataSetWriterId":"minute",`+head+`,"Payload":{
			"a":{"Value":21.50,"SourceTimestamp":`+time+`},
			"bad":{"Value":null,"SourceTimestamp":`+time+`,"StatusCode":{"Symbol":"Bad","Code":2147483648}},
			"u":{"Value":21.50,"SourceTimestamp":`+time+`,"StatusCode":{"Symbol":"Uncertain","Code":1073741824}},
			"r":{"Value":{"alarm":true}}}},
		{"DataSetWriterId":"minute/m-7",`+head+`,"Payload":{"a":{"Value":21.50,"SourceTimestamp":`+time+`}}},
		{"DataSetWriterId":"minute",`+head+`,"Payload":{"a":{"Value":21.50,"SourceTimestamp":"2026-03-01T12:00:01.000Z"}}}
	]}`, body("opcPubSub", group, named("a", 0), bad, uncertain, raw, m7, named("a", 1000)))

	alone := group
	alone.Group = ""
	assert.NotContains(t, body("opcPubSub", alone, named("a", 0)), "DataSetWriterGroup")
	assert.Contains(t, body("opcPubSub", alone, named("a", 0)), `"DataSetWriterId":"a"`)
}

// FuzzSizes makes payloads of hostile texts: they are JSON, and never larger than was said.
func FuzzSizes(f *testing.F) {
	f.Add("press1", "Press \"1\"", "m-7", "minute", "21.5", uint8(3))
	f.Add("\xff\x00", "\x01\x02", strings.Repeat("\x1f", 40), "\x00", `{"a":[]}`, uint8(7))
	f.Fuzz(func(t *testing.T, signal, display, partition, name, value string, n uint8) {
		if !json.Valid([]byte(value)) {
			return
		}
		about := Batch{Group: name, PublisherID: display, MessageID: partition, Time: at(0)}
		for _, payload := range []string{"samples", "flat", "opcPubSub"} {
			size, items := BatchSize(about), []Named(nil)
			for i := range int(n%8) + 1 {
				item := Named{Signal: signal, DisplayName: display, Unit: name, Partition: partition[:i%(len(partition)+1)]}
				if i%3 == 2 {
					item.Raw = []byte(value)
				} else {
					item.Sample = module.Sample{Value: []byte(value), Quality: module.Bad, Reason: module.Heartbeat, SourceTimestamp: at(i), Published: at(i)}
				}
				items = append(items, item)
				size += ElementSize(payload, item, about)
			}
			made := AppendPayload(nil, payload, items, about)
			require.LessOrEqual(t, len(made), size, payload)
			require.True(t, json.Valid(made), payload)
		}
	})
}

func TestSizeIsNotFarAboveWhatIsSent(t *testing.T) {
	var items []Named
	size := BatchSize(group)
	for i := range 1000 {
		item := named("press1Temperature", i)
		item.Unit = "Cel"
		items, size = append(items, item), size+ElementSize("samples", item, group)
	}
	assert.Less(t, size, 4*len(body("samples", group, items...)))
}
