package replay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// read reads all letters of a text.
func read(t *testing.T, text string) (all []Letter) {
	t.Helper()
	for l, err := range Read(strings.NewReader(text)) {
		require.NoError(t, err)
		all = append(all, l)
	}
	return all
}

const monitored = `Starting event monitor, use ctrl-c to stop...
{
    "event": {
        "origin": "gateway", "module": "wasmOnEdge", "interface": "", "component": "",
        "properties": {
            "system": {"message_id": "0123456789abcdefghjkmnpqrs", "correlation_id": "m1", "content_type": "application/json", "content_encoding": "utf-8"},
            "application": {
                "line": "3", "messageType": "deadletter", "sourceDeviceId": "gateway", "deadletter-reason": "trap", "deadletter-signal": "press",
                "deadletter-guest": "threshold", "deadletter-digest": "sha256:00", "deadletter-input": "sensor", "deadletter-attempts": "2",
                "deadletter-time": "2026-11-23T08:00:00.500Z"
            }
        },
        "annotations": {"iothub-connection-device-id": "gateway"},
        "payload": {
            "temperature": 21.50
        }
    }
}
{"event": {"origin": "gateway", "properties": {"application": {"signal": "press"}}, "payload": "telemetry"}}
`

func TestAnEventOfMonitorEventsBecomesTheMessageThatCameIn(t *testing.T) {
	letters := read(t, monitored)
	require.Len(t, letters, 1, "telemetry is no letter, and the heading no JSON")
	l := letters[0]
	assert.Equal(t, module.DeadLetter{Reason: "trap", Signal: "press", Guest: "threshold", Digest: "sha256:00", Attempts: 2, Input: "sensor",
		Time: time.Date(2026, 11, 23, 8, 0, 0, 5e8, time.UTC)}, l.DeadLetter)
	m := l.Message()
	assert.Equal(t, `{"temperature":21.50}`, string(m.Body), "numbers keep their digits")
	assert.ElementsMatch(t, module.Properties{{Name: "$.mid", Value: "0123456789abcdefghjkmnpqrs"}, {Name: "$.cid", Value: "m1"},
		{Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"}, {Name: "line", Value: "3"}, {Name: "sourceDeviceId", Value: "gateway"}}, m.Properties)
	assert.Empty(t, l.Unfit())
}

func TestBodiesOfStorageRecordsAreReadAsToolsWriteThem(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body, want string }{
		"base64":                   {"", `"AAEC/w=="`, "\x00\x01\x02\xff"},
		"JSON as it is":            {"application/json", `{"a": 1}`, `{"a":1}`},
		"JSON in base64":           {"application/json; charset=utf-8", `"eyJhIjoxfQ=="`, `{"a":1}`},
		"a JSON string":            {"application/json", `"hot"`, `"hot"`},
		"Avro's bytes":             {"", `{"bytes":"a\u00ff"}`, "a\xff"},
		"JSON with a bytes member": {"application/json", `{"bytes":"x"}`, `{"bytes":"x"}`},
		"nothing":                  {"", `null`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			letters := read(t, `{"EnqueuedTimeUtc":"2026-11-23T08:00:00Z","Properties":{"deadletter-reason":{"string":"trap"},"deadletter-input":"a"},
				"SystemProperties":{"messageId":"m","contentType":"`+test.contentType+`"},"Body":`+test.body+`}`)
			require.Len(t, letters, 1)
			m := letters[0].Message()
			assert.Equal(t, test.want, string(m.Body))
			assert.Equal(t, "m", m.Properties.Value(module.PropertyMessageID))
		})
	}
}

func TestABodyThatCannotBeReadIsAnErrorWithItsPlace(t *testing.T) {
	for _, err := range Read(strings.NewReader(`{"Properties":{"deadletter-reason":"trap"},"Body":"%%"}`)) {
		assert.ErrorContains(t, err, "before byte 55: body of a record")
		return
	}
	assert.Fail(t, "nothing was read")
}

// folderLetters keeps letters in a folder as the module does and reads them back.
func folderLetters(t *testing.T, m module.Message, l module.DeadLetter) []Letter {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(dir)
	require.NoError(t, err)
	require.NoError(t, s.Keep(m, l))
	files, err := filepath.Glob(filepath.Join(dir, "deadletters", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	return append(read(t, string(content)), read(t, string(content))...)
}

func TestAMessageInTheFolderKeepsAnIDOfItsOwn(t *testing.T) {
	letters := folderLetters(t, module.Message{Body: []byte{0, 1}, Properties: module.Properties{{Name: "$.mid", Value: "m1"},
		{Name: "$.cdid", Value: "dev"}, {Name: "$.cmid", Value: "sensor"}, {Name: "line", Value: "3"}}},
		module.DeadLetter{Reason: "trap", Signal: "press", Input: "sensor", Time: time.Unix(1e9, 0).UTC()})
	m := letters[0].Message()
	assert.Equal(t, []byte{0, 1}, m.Body)
	assert.Len(t, m.Properties.Value("$.mid"), 26)
	assert.Equal(t, m, letters[1].Message(), "a second reading gives the same message")
	m.Properties.Set("$.mid", "")
	assert.ElementsMatch(t, module.Properties{{Name: "$.mid", Value: ""}, {Name: "$.cid", Value: "m1"}, {Name: "line", Value: "3"},
		{Name: "sourceDeviceId", Value: "dev"}, {Name: "sourceModuleId", Value: "sensor"}}, m.Properties)
}

func TestALetterThatWasTooLargeForEdgeHubIsWholeInTheFolder(t *testing.T) {
	l := folderLetters(t, module.Message{Body: []byte("whole"), Properties: module.Properties{{Name: "$.mid", Value: "id"},
		{Name: "deadletter-reason", Value: "trap"}, {Name: "deadletter-input", Value: "sensor"}}}, module.DeadLetter{Reason: module.ReasonTooLarge, Input: "sensor"})[0]
	assert.Equal(t, "trap", l.Reason)
	assert.Equal(t, "id", l.ID)
	assert.Empty(t, l.Unfit())
	assert.Equal(t, module.Properties{{Name: "$.mid", Value: "id"}}, l.Message().Properties)
}

func TestLettersThatCannotComeInAgainSayWhy(t *testing.T) {
	for want, l := range map[string]Letter{
		"":                                 {DeadLetter: module.DeadLetter{Reason: "trap", Input: "a"}},
		"its body of 300000 bytes was cut": {DeadLetter: module.DeadLetter{Reason: "trap", Input: "a"}, Truncated: 300000},
		"that a signal sent":               {DeadLetter: module.DeadLetter{Reason: module.ReasonTooLarge, Input: "a"}},
		"a timer's tick":                   {DeadLetter: module.DeadLetter{Reason: "trap"}},
	} {
		if want == "" {
			assert.Empty(t, l.Unfit())
			continue
		}
		assert.Contains(t, l.Unfit(), want)
	}
}

// FuzzRead finds out whether anything that is not a capture makes trouble.
func FuzzRead(f *testing.F) {
	f.Add(monitored)
	f.Add(`[{"Properties":{"deadletter-reason":{"string":"x"}},"Body":{"bytes":"\u00ff"}},{"reason":"x","body":"AA=="}]`)
	f.Fuzz(func(t *testing.T, text string) {
		for l, err := range Read(strings.NewReader(text)) {
			if err != nil {
				return
			}
			m := l.Message()
			require.NotEmpty(t, m.Properties.Value(module.PropertyMessageID))
			_, err := json.Marshal(l.Unfit())
			require.NoError(t, err)
		}
	})
}
