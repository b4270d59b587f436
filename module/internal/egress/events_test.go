package egress

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const events = "https://contoso.azure-devices.net/devices/d/messages/events?api-version=2020-03-13"

// posting returns the way out of a guest whose events send takes.
func posting(t *testing.T, send func(context.Context, module.Message) error) *Client {
	return clientWith(t, Config{}, Guest{Send: send, Timeout: time.Nanosecond})
}

func TestAnEventBecomesAMessageWithItsProperties(t *testing.T) {
	var got []module.Message
	c := posting(t, func(_ context.Context, m module.Message) error { got = append(got, m); return nil })
	for _, address := range []string{events, "https://a-1.azure-devices.net:443/devices/d%2f1/modules/m/messages/events"} {
		status, body, err := do(t, c, "POST", address, "body", "content-type", "application/json", "Content-Encoding", "utf-8",
			"iothub-app-Line", "3", "IoTHub-MessageId", "m1", "iothub-correlationid", "c1", "authorization", "SharedAccessSignature sig=x", "user-agent", "g")
		require.NoError(t, err)
		assert.Equal(t, http.StatusNoContent, status)
		assert.Empty(t, body)
	}
	require.Len(t, got, 2)
	for _, m := range got {
		assert.Equal(t, "body", string(m.Body))
		assert.ElementsMatch(t, module.Properties{{Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"}, {Name: "Line", Value: "3"},
			{Name: "$.mid", Value: "m1"}, {Name: "$.cid", Value: "c1"}}, m.Properties, "and nothing of the key")
	}
}

func TestOtherAddressesOfAHubAreNetwork(t *testing.T) {
	c := posting(t, func(context.Context, module.Message) error { t.Error("it was sent"); return nil })
	for _, address := range []string{
		"http://contoso.azure-devices.net/devices/d/messages/events", "https://contoso.azure-devices.net:8443/devices/d/messages/events",
		"https://contoso.azure-devices.net/devices/d/messages/events/x", "https://contoso.azure-devices.net/twins/d",
		"https://azure-devices.net/devices/d/messages/events", "https://contoso.azure-devices.net.evil.net/devices/d/messages/events",
		"https://contoso.azure-devices.net/devices//messages/events", "https://a.b.azure-devices.net/devices/d/messages/events",
	} {
		_, _, err := do(t, c, "POST", address, "")
		assert.ErrorIs(t, err, ErrNotAllowed, address)
	}
	_, _, err := do(t, clientOf(t, Config{}), "POST", events, "")
	assert.ErrorIs(t, err, ErrNotAllowed, "where there is no endpoint")
}

func TestTheEndpointRefusesWhatIoTHubDoes(t *testing.T) {
	c := posting(t, func(context.Context, module.Message) error { t.Error("it was sent"); return nil })
	for _, want := range []struct {
		method, body, header, value string
		status                      int
	}{
		{"GET", "", "x", "", http.StatusMethodNotAllowed},
		{"POST", strings.Repeat("x", maxEvent+1), "x", "", http.StatusRequestEntityTooLarge},
		{"POST", "", "iothub-app-", "v", http.StatusBadRequest},
		{"POST", "", "iothub-app-deviceId", "v", http.StatusBadRequest},
		{"POST", "", "iothub-app-mqtt-retain", "v", http.StatusBadRequest},
		{"POST", "", "iothub-app-$.cdid", "v", http.StatusBadRequest},
		{"POST", "", "iothub-app-x", "\x00", http.StatusBadRequest},
		{"POST", "", "content-type", "\xff", http.StatusBadRequest},
	} {
		status, body, err := do(t, c, want.method, events, want.body, want.header, want.value)
		require.NoError(t, err)
		assert.Equal(t, want.status, status, "%s %s", want.method, want.header)
		assert.Contains(t, body, `{"Message":`)
	}
}

func TestAFullOutboxIsAnswered503WithItsReason(t *testing.T) {
	c := posting(t, func(context.Context, module.Message) error { return errors.New("the outbox is full") })
	status, body, err := do(t, c, "POST", events, "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.JSONEq(t, `{"Message":"the outbox is full"}`, body)
}

func TestAnEventThatIsCalledOffIsNotAnswered(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := posting(t, func(ctx context.Context, _ module.Message) error { cancel(); return ctx.Err() })
	r, err := http.NewRequestWithContext(ctx, "POST", events, nil)
	require.NoError(t, err)
	_, err = c.Do(r)
	assert.ErrorIs(t, err, context.Canceled)
}

func FuzzEventProperties(f *testing.F) {
	f.Add("iothub-app-x", "v")
	f.Add("IOTHUB-APP-MQTT-x", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		properties, err := eventProperties(http.Header{name: {value}})
		for _, p := range properties {
			if err == nil && !strings.HasPrefix(p.Name, "$.") {
				assert.NoError(t, checkProperty(p.Name))
			}
		}
	})
}
