package edgehub

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATokenSignsTheEncodedResourceAndTheExpiry(t *testing.T) {
	token := NewSASToken("oracle-hub.azure-devices.net", "edge-1", "filter", time.Unix(1795335911, 0))
	assert.Equal(t, "oracle-hub.azure-devices.net%2Fdevices%2Fedge-1%2Fmodules%2Ffilter\n1795335911", token.StringToSign())

	token.Sign([]byte("key"))
	// echo -ne 'oracle-hub…\n1795335911' | openssl dgst -sha256 -hmac key -binary | base64
	assert.Equal(t, "eQ+7YfuZhlYhQJu+Y5OCp8C1A+z4z9nJKkkGb2ujU74=", token.Signature)
	assert.Equal(t, "SharedAccessSignature sr=oracle-hub.azure-devices.net%2Fdevices%2Fedge-1%2Fmodules%2Ffilter&sig="+
		escape("eQ+7YfuZhlYhQJu+Y5OCp8C1A+z4z9nJKkkGb2ujU74=")+"&se=1795335911", token.Encode())
}

func TestATokenHoldsUntilItExpiresAndForItsKeyOnly(t *testing.T) {
	now := time.Unix(1000, 0)
	token := NewSASToken("hub", "d", "m", now.Add(time.Hour))
	token.Sign(testKey)
	parsed, err := ParseSASToken(token.Encode())
	require.NoError(t, err)
	assert.Equal(t, token, parsed)

	assert.NoError(t, parsed.Verify(testKey, now))
	assert.ErrorIs(t, parsed.Verify([]byte("other"), now), ErrTokenSignature)
	assert.ErrorIs(t, parsed.Verify(testKey, now.Add(time.Hour)), ErrTokenExpired)
	parsed.Expires++
	assert.ErrorIs(t, parsed.Verify(testKey, now), ErrTokenSignature)
}

func TestATokenTellsItsModuleAndNeverItsSignature(t *testing.T) {
	token := NewSASToken("hub", "d#1", "m", time.Unix(2000000000, 0))
	assert.Contains(t, token.Resource, "d%25231", "ids are escaped twice")
	host, device, module, ok := token.Module()
	assert.True(t, ok)
	assert.Equal(t, []string{"hub", "d#1", "m"}, []string{host, device, module})
	_, _, _, ok = SASToken{Resource: "hub%2Fdevices%2Fd"}.Module()
	assert.False(t, ok)

	token.Sign(testKey)
	for _, verb := range []string{"%v", "%+v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, token), token.Signature[:8])
	}
}

func TestTokenPartsMayComeInAnyOrderButMustBeThere(t *testing.T) {
	token, err := ParseSASToken("SharedAccessSignature se=5&skn=x&sig=YQ%3D%3D&sr=r")
	require.NoError(t, err)
	assert.Equal(t, SASToken{Resource: "r", Expires: 5, Signature: "YQ=="}, token)

	for _, s := range []string{"", "Bearer x", "SharedAccessSignature sr=a&sig=b", "SharedAccessSignature sr=a&se=1", "SharedAccessSignature sr=a&sig=b&se=x"} {
		_, err := ParseSASToken(s)
		assert.ErrorIs(t, err, ErrTokenMalformed, s)
	}
}

func TestUsernames(t *testing.T) {
	name := Username{IoTHub: "hub", DeviceID: "d", ModuleID: "m", ProductInfo: "p/1 (x)"}
	assert.Equal(t, "hub/d/m/?api-version=2021-04-12&DeviceClientType=p%2F1%20%28x%29", name.Encode())
	back, err := ParseUsername(name.Encode())
	require.NoError(t, err)
	name.APIVersion = APIVersion
	assert.Equal(t, name, back)

	back, err = ParseUsername("hub/d/m/model-id=x&api-version=1&api-version=2&DeviceClientType=a")
	require.NoError(t, err, "the question mark may be missing")
	assert.Equal(t, Username{IoTHub: "hub", DeviceID: "d", ModuleID: "m", APIVersion: "1", ProductInfo: "a"}, back)

	for _, s := range []string{"", "hub/d/?api-version=1", "hub/d/m/", "hub/d/m/?api-version=", "hub/d/m/?api-version=%20", "hub//m/?api-version=1", "hub/d/m/x/?api-version=1"} {
		_, err := ParseUsername(s)
		assert.Error(t, err, s)
	}
}

func TestClientIDs(t *testing.T) {
	device, module, ok := ParseClientID(ClientID("d", "m"))
	assert.True(t, ok)
	assert.Equal(t, "d", device)
	assert.Equal(t, "m", module)
	for _, id := range []string{"", "d", "d/", "/m", "d/m/x"} {
		_, _, ok := ParseClientID(id)
		assert.False(t, ok, id)
	}
}

func FuzzCredentialsOfAConnect(f *testing.F) {
	f.Add("SharedAccessSignature sr=a&sig=b%3D&se=1")
	f.Add("hub/d/m/?api-version=1&DeviceClientType=%zz")
	f.Fuzz(func(t *testing.T, s string) {
		if !isText(s) {
			return // neither can be
		}
		if token, err := ParseSASToken(s); err == nil {
			token.Module()
			again, err := ParseSASToken(token.Encode())
			require.NoError(t, err)
			assert.Equal(t, token.Expires, again.Expires)
		}
		if name, err := ParseUsername(s); err == nil {
			again, err := ParseUsername(name.Encode())
			require.NoError(t, err)
			assert.Equal(t, name, again)
		}
		ParseClientID(s)
	})
}
