package signals

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func readerOf(t testing.TB, s module.Signal) *Reader {
	t.Helper()
	if s.Format == "" {
		s.Format = module.FormatJSON
	}
	r, err := NewReader(s)
	require.NoError(t, err)
	return r
}

// read returns what a message has for a signal, one line each: value, time, quality, partition, and whether it is untimed.
func read(t testing.TB, s module.Signal, body string, properties ...string) []string {
	t.Helper()
	var p module.Properties
	for i := 0; i < len(properties); i += 2 {
		p.Set(properties[i], properties[i+1])
	}
	found, err := readerOf(t, s).Read(nil, NewContent([]byte(body)), p)
	require.NoError(t, err)
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = line(f)
	}
	return lines
}

func line(f Found) string {
	words := []string{"-", "-", f.Quality.String()}
	if f.Value != nil {
		words[0] = string(f.Value)
	}
	if !f.Timestamp.IsZero() {
		words[1] = f.Timestamp.Format("15:04:05.999999999")
	}
	if f.Partition != "" {
		words = append(words, f.Partition)
	}
	if f.Untimed {
		words = append(words, "untimed")
	}
	return strings.Join(words, " ")
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

const machines = `{"time":"2026-01-02T03:04:05.25+01:00","machines":[` +
	`{"id":"a","kind":"press","on":true,"temp":21.50,"t":1767323045123,"q":"BadSensorFailure"},` +
	`{"id":7,"kind":"oven","on":false,"temp":null,"t":"x"},{"id":"a","kind":"press","on":true,"temp":"22"},{"kind":"press","temp":23}]}`

func TestValuesAreFoundWithWhatStandsBesideThem(t *testing.T) {
	for name, row := range map[string]struct {
		signal module.Signal
		want   []string
	}{
		"one":         {module.Signal{Selector: "/machines/0/temp"}, []string{"21.50 - good"}},
		"none":        {module.Signal{Selector: "/pressure"}, []string{}},
		"every":       {module.Signal{Selector: "/machines/*/temp"}, []string{"21.50 - good", "null - good", `"22" - good`, "23 - good"}},
		"matching":    {module.Signal{Selector: "/machines/*/temp", Where: map[string]string{"/machines/*/kind": "press", "/machines/*/on": "true"}}, []string{"21.50 - good", `"22" - good`}},
		"number":      {module.Signal{Selector: "/machines/*/temp", Where: map[string]string{"/machines/*/id": "7"}}, []string{"null - good"}},
		"no match":    {module.Signal{Selector: "/machines/*/temp", Where: map[string]string{"/machines/0/temp": "21.5"}}, []string{}},
		"own time":    {module.Signal{Selector: "/machines/*/temp", TimestampSelector: "/machines/*/t"}, []string{"21.50 03:04:05.123 good", "null - good untimed", `"22" - good`, "23 - good"}},
		"common time": {module.Signal{Selector: "/machines/0/temp", TimestampSelector: "/time"}, []string{"21.50 02:04:05.25 good"}},
		"quality":     {module.Signal{Selector: "/machines/*/temp", QualitySelector: "/machines/*/q"}, []string{"21.50 - bad", "null - good", `"22" - good`, "23 - good"}},
		"partition":   {module.Signal{Selector: "/machines/*/temp", PartitionBy: "/machines/*/id"}, []string{"21.50 - good a", "null - good 7", `"22" - good a`}},
	} {
		assert.Equal(t, row.want, read(t, row.signal, machines), name)
	}
}

func TestPartitionsAreTheDistinctKeysOfAMessage(t *testing.T) {
	for name, row := range map[string]struct {
		signal module.Signal
		want   []string
	}{
		"of elements":         {module.Signal{Selector: "/machines/*/temp", PartitionBy: "/machines/*/id"}, []string{"a", "7"}},
		"of a whole message":  {module.Signal{PartitionBy: "/machines/0/id"}, []string{"a"}},
		"of a property":       {module.Signal{PartitionBy: "property:line"}, []string{"L3"}},
		"value by a property": {module.Signal{Selector: "/machines/*/temp", PartitionBy: "property:LINE"}, []string{"L3"}},
		"no such property":    {module.Signal{PartitionBy: "property:none"}, nil},
		"long property":       {module.Signal{PartitionBy: "property:long"}, nil},
		"no key":              {module.Signal{PartitionBy: "/machines/3/id"}, nil},
		"truth is no key":     {module.Signal{PartitionBy: "/machines/0/on"}, nil},
		"not for the signal":  {module.Signal{PartitionBy: "/machines/0/id", Where: map[string]string{"/time": "x"}}, nil},
	} {
		r := readerOf(t, row.signal)
		assert.True(t, r.Partitioned(), name)
		keys, err := partitionsOf(r, NewContent([]byte(machines)), module.Properties{{Name: "line", Value: "L3"}, {Name: "long", Value: strings.Repeat("x", 257)}})
		assert.NoError(t, err, name)
		assert.Equal(t, row.want, keys, name)
	}
}

func TestAKeyHasAtMost256Bytes(t *testing.T) {
	longest, longer := strings.Repeat("1", 256), strings.Repeat("1", 257)
	s := module.Signal{Selector: "/*/v", PartitionBy: "/*/k"}
	assert.Equal(t, []string{"1 - good " + longest},
		read(t, s, `[{"v":1,"k":"`+longest+`"},{"v":2,"k":"`+longer+`"},{"v":3,"k":`+longer+`}]`))
}

func TestAWholeMessageNeedNotBeJSONUnlessItIsLookedInto(t *testing.T) {
	assert.Equal(t, []string{"- - good"}, read(t, module.Signal{}, "\x00\x01"))
	assert.Equal(t, []string{"- - good L3"}, read(t, module.Signal{PartitionBy: "property:line"}, "\x00\x01", "line", "L3"))
	for _, s := range []module.Signal{{PartitionBy: "/id"}, {Where: map[string]string{"/a": "b"}}, {Selector: "/a"}, {Format: module.FormatModbus}} {
		_, err := readerOf(t, s).Read(nil, NewContent([]byte("hello")), nil)
		assert.EqualError(t, err, "read message: parse JSON: unexpected 'h' at offset 0")
	}
}

func TestAWholeMessageIsForTheSignalWhereItMatches(t *testing.T) {
	s := module.Signal{Where: map[string]string{"/kind": "press"}}
	assert.False(t, readerOf(t, s).Samples(nil))
	assert.Len(t, read(t, s, `{"kind":"press"}`), 1)
	assert.Empty(t, read(t, s, `{"kind":"oven"}`))
	assert.Empty(t, read(t, s, `{"kind":["press"]}`))
}

func TestASignalTakesTheSamplesOfAnotherAsValuesAndWhatItsGuestMadeAsAWhole(t *testing.T) {
	s := module.Signal{Source: module.Source{Kind: module.SourceSignal, Name: "up"}}
	sample := AppendSample(nil, Named{Signal: "up", Partition: "m1", Sample: module.Sample{
		Value: []byte("21.50"), SourceTimestamp: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Quality: module.Uncertain}})
	made := module.Properties{{Name: "messageType", Value: "sample"}}

	assert.True(t, readerOf(t, s).Samples(made))
	assert.Equal(t, []string{"21.50 03:04:05.006 uncertain"}, read(t, s, string(sample), "messageType", "sample"))
	assert.False(t, readerOf(t, s).Samples(nil))
	assert.Equal(t, []string{"- - good"}, read(t, s, "anything", "messageType", "event"))

	s.PartitionBy = "/partition"
	assert.Equal(t, []string{"21.50 03:04:05.006 uncertain m1"}, read(t, s, string(sample), "messageType", "sample"))
}

func TestASampleOfAnotherModuleIsTakenAsAWholeWhereAnInputBringsIt(t *testing.T) {
	input, up := module.Source{Kind: module.SourceInput, Name: "i"}, module.Source{Kind: module.SourceSignal, Name: "up"}
	made := module.Properties{{Name: "messageType", Value: "sample"}}
	for want, signals := range map[bool][]module.Signal{
		true:  {{Source: up}, {Sources: map[string]module.Source{"a": up, "b": {Kind: module.SourceTimer}}}},
		false: {{Source: input}, {Sources: map[string]module.Source{"a": input, "b": up}}},
	} {
		for _, s := range signals {
			assert.Equal(t, want, readerOf(t, s).Samples(made), "%+v", s)
		}
	}
}

func TestOPCSamplesAreReadInEverySpelling(t *testing.T) {
	body := fixture(t, "samples.json")
	temp, pressure := "71.250 03:04:05.1234567 good", "3 03:04:05 uncertain"
	for node, want := range map[string][]string{
		"nsu=http://example.com/Press/;s=Line1/Temp":     {temp},
		"http://example.com/Press/#s=Line1/Temp":         {temp},
		"http://example.com/Press/#s=Line1%2FTemp":       {temp},
		"http://example.com/Press/#s=Line1%2fPressure":   {pressure},
		"nsu=http://example.com/Press/;s=Line1/Pressure": {pressure},
		"Pressure":                   {pressure},
		"Temp":                       {temp, "9.5 03:04:02 good"}, // of two nodes, in the order of the message
		"ns=2;s=Speed":               {"- 03:04:04 bad"},          // a status alone
		"i=2258":                     {`"ten" 03:04:03 good`},
		"Recipe":                     {`{"Name": "Gear", "Value": 4} - bad untimed`},
		"Humidity":                   {},
		"urn:press:2/Temp":           {"9.5 03:04:02 good"},
		"urn:press:2/ns=2;s=Speed":   {"- 03:04:04 bad"},
		"opc.tcp://press:4840//Temp": {temp}, // the URL ends in a slash
		"urn:press:1/nsu=http://example.com/Press/;s=Line1/Temp": {temp},
		"urn:press:2/nsu=http://example.com/Press/;s=Line1/Temp": {},
		"urn:press:3/Temp": {},
	} {
		assert.Equal(t, want, read(t, module.Signal{Format: module.FormatOPCSamples, Node: node}, body), node)
	}
	assert.Len(t, read(t, module.Signal{Format: module.FormatOPCSamples}, body), 6)
	assert.Equal(t, []string{"9.5 03:04:02 good urn:press:2"},
		read(t, module.Signal{Format: module.FormatOPCSamples, Node: "Temp", PartitionBy: "/ApplicationUri"}, body)[1:])
	assert.Equal(t, []string{"5 - good"}, read(t, module.Signal{Format: module.FormatOPCSamples, Node: "a"}, `{"NodeId":"a","DisplayName":"a","Value":{"Value":5,"SourceTimestamp":"0001-01-01T00:00:00Z"}}`))
}

func TestOPCPubSubFieldsAreReadWithWhatTheirMessagesSay(t *testing.T) {
	body := fixture(t, "pubsub.json")
	temps := []string{"71.250 03:04:05.1234567 good", "72 03:04:08 uncertain", "- - good"}
	for node, want := range map[string][]string{
		"Temp":                                  temps,
		"Count":                                 {"12345678901234567890 03:04:06 good"},
		"nsu=http://example.com/Press/;s=Speed": {"- 03:04:06 bad"},
		"http://example.com/Press/#s=Speed":     {"- 03:04:06 bad"},
		"Fields":                                {},
		"1/Temp":                                temps[:1],
		"press/oven/Temp":                       temps[1:2],
		"two/Temp":                              temps[1:2],
		"two/Count":                             {},
	} {
		assert.Equal(t, want, read(t, module.Signal{Format: module.FormatOPCPubSub, Node: node}, body), node)
	}
	for by, want := range map[string][]string{
		"/DataSetWriterId": {"1", "two", "3"},
		"/PublisherId":     {"press"},
		"/Field":           {"Temp", "nsu=http://example.com/Press/;s=Speed", "Count"},
		"/Value":           nil,
	} {
		keys, err := partitionsOf(readerOf(t, module.Signal{Format: module.FormatOPCPubSub, PartitionBy: by}), NewContent([]byte(body)), nil)
		assert.NoError(t, err)
		assert.Equal(t, want, keys, by)
	}
	assert.Empty(t, read(t, module.Signal{Format: module.FormatOPCPubSub}, `{"MessageType":"ua-metadata","MetaData":{}}`))
}

func TestAStatusIsReadAsTheStandardSpellsIt(t *testing.T) {
	for value, want := range map[string]string{
		`{"Value":5,"Status":2150694912}`:                                    "5 - bad",
		`{"Value":5,"Status":{"Code":1083179008},"SourcePicoSeconds":1}`:     "5 - uncertain",
		`{"UaType":11,"Value":5.0,"SourceTimestamp":"2026-01-02T03:04:05Z"}`: "5.0 03:04:05 good",
		`{"Status":{"Code":2150694912,"Symbol":"BadNoCommunication"}}`:       "- - bad",
	} {
		assert.Equal(t, []string{want}, read(t, module.Signal{Format: module.FormatOPCPubSub}, `{"Payload":{"F":`+value+`}}`), value)
		assert.Equal(t, []string{want}, read(t, module.Signal{Format: module.FormatOPCSamples}, `{"NodeId":"F","Value":`+value+`}`), value)
	}
}

func TestModbusValuesAreReadByNameAddressAndDevice(t *testing.T) {
	body := fixture(t, "modbus.json")
	for node, want := range map[string][]string{
		"Voltage":             {`"231" 03:04:05 good`, `"12" 03:04:05 good`, `"229" - good untimed`},
		"40001":               {`"231" 03:04:05 good`, `"229" - good untimed`},
		"Meter-0a:02/Voltage": {`"229" - good untimed`},
		"Meter-0a:01/40002":   {`"12" 03:04:05 good`},
		"Flow/h":              {`"7" 03:04:06 good`},
		"Meter-0a:01/Flow/h":  {`"7" 03:04:06 good`},
		"Meter-0a:02/Flow/h":  {},
		"Relay":               {`"0" 03:04:07 good`},
		"Wise/00017":          {`"0" 03:04:07 good`},
	} {
		assert.Equal(t, want, read(t, module.Signal{Format: module.FormatModbus, Node: node}, body), node)
	}
	keys, err := partitionsOf(readerOf(t, module.Signal{Format: module.FormatModbus, PartitionBy: "/HwId"}), NewContent([]byte(body)), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"Meter-0a:01", "Meter-0a:02", "Wise"}, keys)
}

func TestAMessageOfAnotherFormatIsAnError(t *testing.T) {
	for _, format := range []module.Format{module.FormatOPCSamples, module.FormatOPCPubSub, module.FormatModbus} {
		for _, body := range []string{`{"temperature":21}`, `[1,2]`, `"hello"`, `null`} {
			_, err := readerOf(t, module.Signal{Format: format}).Read(nil, NewContent([]byte(body)), nil)
			assert.ErrorIs(t, err, ErrFormat, body)
			assert.EqualError(t, err, "read message: nothing in it is of the format "+string(format))
		}
		assert.Empty(t, read(t, module.Signal{Format: format}, `[ ]`))
	}
}

func TestPointersThatAreNoneAreRefused(t *testing.T) {
	for field, s := range map[string]module.Signal{
		"selector": {Selector: "a"}, "timestampSelector": {TimestampSelector: "a"}, "qualitySelector": {QualitySelector: "a"},
		"where": {Where: map[string]string{"a": "b"}}, "partitionBy": {PartitionBy: "a"},
	} {
		s.Format = module.FormatJSON
		_, err := NewReader(s)
		assert.ErrorContains(t, err, "read "+field+`: parse JSON Pointer "a"`)
	}
}

func TestQualityIsReadFromWhatSourcesWrite(t *testing.T) {
	for text, want := range map[string]module.Quality{
		`null`: module.Good, `"good"`: module.Good, `"GoodClamped"`: module.Good, `true`: module.Good, `0`: module.Good, `{}`: module.Good, `{"Code":0}`: module.Good,
		`"UNCERTAIN"`: module.Uncertain, `1083179008`: module.Uncertain, `{"Symbol":"UncertainLastUsableValue"}`: module.Uncertain,
		`"Bad"`: module.Bad, `"BadNoCommunication"`: module.Bad, `false`: module.Bad, `2150694912`: module.Bad, `3221225472`: module.Bad, `{"Code":2150694912,"Symbol":"Good"}`: module.Bad,
		`"ok"`: module.Uncertain, `""`: module.Uncertain, `-1`: module.Uncertain, `1.5`: module.Uncertain, `4294967296`: module.Uncertain, `[]`: module.Uncertain, `{"Code":{}}`: module.Uncertain,
	} {
		root, err := NewContent([]byte(text)).root()
		require.NoError(t, err)
		assert.Equal(t, want, qualityOf(root), text)
	}
}

func TestTimestampsAreReadFromWhatSourcesWrite(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-01-02T03:04:05Z"`: "2026-01-02T03:04:05Z", `"2026-01-02T03:04:05.1234567+01:30"`: "2026-01-02T01:34:05.1234567Z", `"2026-01-02 03:04:05"`: "2026-01-02T03:04:05Z", `"2026-01-02 03:04:05.5+01:00"`: "2026-01-02T02:04:05.5Z",
		`1767323045`: "2026-01-02T03:04:05Z", `1767323045.123456789`: "2026-01-02T03:04:05.123456789Z", `1767323045123`: "2026-01-02T03:04:05.123Z",
		`1767323045123.5`: "2026-01-02T03:04:05.1235Z", `1767323045123456`: "2026-01-02T03:04:05.123456Z", `1767323045123456789`: "2026-01-02T03:04:05.123456789Z",
		`1.767323045e9`: "2026-01-02T03:04:05Z", `0`: "1970-01-01T00:00:00Z", `-0.5`: "1969-12-31T23:59:59.5Z", `99999999999`: "5138-11-16T09:46:39Z", `100000000000`: "1973-03-03T09:46:40Z",
		`"0001-01-01T00:00:00Z"`: "none", `null`: "none", `"now"`: "untimed", `""`: "untimed", `"2026-01-02T03:04:05"`: "untimed", `true`: "untimed", `{}`: "untimed", `1e300`: "untimed", `99999999999999999999`: "untimed",
	} {
		root, err := NewContent([]byte(text)).root()
		require.NoError(t, err)
		at, untimed := firstTime(root)
		got := at.Format(time.RFC3339Nano)
		if at.IsZero() {
			got = map[bool]string{true: "untimed", false: "none"}[untimed]
		}
		assert.Equal(t, want, got, text)
	}
}

func TestManySignalsReadOneContentAtOnce(t *testing.T) {
	c := NewContent([]byte(fixture(t, "samples.json")))
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			found, err := readerOf(t, module.Signal{Format: module.FormatOPCSamples, Node: "Temp"}).Read(nil, c, nil)
			assert.NoError(t, err)
			assert.Len(t, found, 2)
		})
	}
	readers.Wait()
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"samples.json", "pubsub.json", "modbus.json"} {
		f.Add([]byte(fixture(f, name)))
	}
	var readers []*Reader
	for _, s := range []module.Signal{
		{Format: module.FormatOPCSamples, PartitionBy: "/NodeId"}, {Format: module.FormatOPCPubSub, PartitionBy: "/Field"}, {Format: module.FormatModbus, Node: "a/b"},
		{Selector: "/*/a", TimestampSelector: "/*/t", QualitySelector: "/*/q", Where: map[string]string{"/*/w": "1"}, PartitionBy: "/*/k"},
	} {
		readers = append(readers, readerOf(f, s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := NewContent(body)
		for _, r := range readers {
			found, err := r.Read(nil, c, nil)
			require.True(t, json.Valid(body) || err != nil)
			for _, v := range found {
				require.True(t, v.Value == nil || json.Valid(v.Value))
				require.True(t, v.Timestamp.IsZero() || !v.Untimed)
			}
		}
	})
}

// partitionsOf returns the keys of a message's partitions, in the order of the message.
func partitionsOf(r *Reader, c *Content, p module.Properties) (keys []string, err error) {
	found, err := r.Read(nil, c, p)
	for _, f := range found {
		if !slices.Contains(keys, f.Partition) {
			keys = append(keys, f.Partition)
		}
	}
	return keys, err
}
