package edgehub

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func environment(changes map[string]string) func(string) string {
	all := map[string]string{
		"IOTEDGE_WORKLOADURI":        "unix:///var/run/iotedge/workload.sock",
		"IOTEDGE_AUTHSCHEME":         "SasToken",
		"IOTEDGE_MODULEGENERATIONID": "638",
		"IOTEDGE_IOTHUBHOSTNAME":     "hub.azure-devices.net",
		"IOTEDGE_GATEWAYHOSTNAME":    "gateway",
		"IOTEDGE_DEVICEID":           "edge-1",
		"IOTEDGE_MODULEID":           "filter",
	}
	for name, value := range changes {
		all[name] = value
	}
	return func(name string) string { return all[name] }
}

func connectionString(key []byte) string {
	return "HostName=hub.azure-devices.net;GatewayHostName=gateway;DeviceId=edge-1;ModuleId=filter;SharedAccessKey=" +
		base64.StdEncoding.EncodeToString(key)
}

func TestACompleteEnvironmentOfEdgeAgentMeansTheWorkloadAPI(t *testing.T) {
	id, err := IdentityFromEnvironment(environment(map[string]string{"EdgeHubConnectionString": connectionString(testKey)}))
	require.NoError(t, err)
	assert.Equal(t, "workload API at unix:///var/run/iotedge/workload.sock", id.Source())
	assert.Equal(t, "hub.azure-devices.net", id.IoTHub)
	assert.Equal(t, "gateway", id.Gateway)
	assert.Equal(t, "edge-1", id.DeviceID)
	assert.Equal(t, "filter", id.ModuleID)
	assert.Equal(t, "638", id.GenerationID)
	assert.Contains(t, id.String(), `module "filter" of device "edge-1" at gateway`)
}

func TestAnIncompleteOneFallsBackToTheConnectionString(t *testing.T) {
	id, err := IdentityFromEnvironment(environment(map[string]string{
		"IOTEDGE_WORKLOADURI": "", "EdgeHubConnectionString": connectionString(testKey),
	}))
	require.NoError(t, err)
	assert.Equal(t, "EdgeHubConnectionString", id.Source())
	assert.Equal(t, "gateway", id.Gateway)

	signature, err := id.credentials.sign(t.Context(), "text")
	require.NoError(t, err)
	assert.Equal(t, signSAS(testKey, "text"), signature)
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	_, err := IdentityFromEnvironment(environment(map[string]string{"IOTEDGE_DEVICEID": "", "IOTEDGE_GATEWAYHOSTNAME": ""}))
	var environmentError *EnvironmentError
	require.ErrorAs(t, err, &environmentError)
	assert.Equal(t, []string{"IOTEDGE_GATEWAYHOSTNAME", "IOTEDGE_DEVICEID"}, environmentError.Missing)
	assert.EqualError(t, err, "read identity from the environment: not set: IOTEDGE_GATEWAYHOSTNAME, IOTEDGE_DEVICEID (nor EdgeHubConnectionString)")

	for _, wrong := range []map[string]string{
		{"IOTEDGE_AUTHSCHEME": "x509"},
		{"IOTEDGE_WORKLOADURI": "unix://"},
		{"IOTEDGE_WORKLOADURI": "https://host"},
		{"IOTEDGE_WORKLOADURI": "http://a b"},
	} {
		_, err := IdentityFromEnvironment(environment(wrong))
		require.ErrorAs(t, err, &environmentError, "%v", wrong)
		assert.Empty(t, environmentError.Missing)
	}
}

func TestABrokenConnectionStringIsRefusedWithoutQuotingTheKey(t *testing.T) {
	secret := "c2VjcmV0c2VjcmV0"
	for name, text := range map[string]string{
		"GatewayHostName is missing":    "HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=" + secret,
		"ModuleId is missing":           "HostName=h;GatewayHostName=g;DeviceId=d;SharedAccessKey=" + secret,
		"SharedAccessKey is missing":    "HostName=h;GatewayHostName=g;DeviceId=d;ModuleId=m;SharedAccessKey=",
		"SharedAccessKey is not base64": "HostName=h;GatewayHostName=g;DeviceId=d;ModuleId=m;SharedAccessKey=*" + secret,
		"HostName is missing":           secret,
	} {
		_, err := IdentityFromEnvironment(func(variable string) string {
			return map[string]string{"EdgeHubConnectionString": text}[variable]
		})
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestNoFormatVerbPrintsAKey(t *testing.T) {
	id, key, err := parseConnectionString(connectionString(testKey))
	require.NoError(t, err)
	assert.Equal(t, testKey, key)
	id.credentials = &sharedKey{key: key}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(verb, id) + fmt.Sprintf(verb, Config{Identity: id})
		assert.NotContains(t, text, string(testKey))
		assert.NotContains(t, text, strings.Trim(fmt.Sprint(testKey[:4]), "[]"), "as bytes")
	}
}

func TestTheCAFileIsReadAnewEachTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	credentials := &sharedKey{caFile: file}
	_, err := credentials.roots(t.Context())
	assert.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(file, []byte("nothing"), 0o600))
	_, err = credentials.roots(t.Context())
	assert.ErrorContains(t, err, "no certificate in it")

	require.NoError(t, os.WriteFile(file, authorityPEM(), 0o600))
	pool, err := credentials.roots(t.Context())
	require.NoError(t, err)
	_, want := authority()
	assert.True(t, want.Equal(pool))

	system, err := (&sharedKey{}).roots(context.Background())
	require.NoError(t, err)
	assert.Nil(t, system, "without a file the system's certificates count")
}

func authorityPEM() []byte {
	certificate, _ := authority()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
}

func TestTheGatewayMayCarryAPort(t *testing.T) {
	for gateway, want := range map[string][2]string{
		"gateway":         {"gateway", "gateway:8883"},
		"localhost:18883": {"localhost", "localhost:18883"},
		"10.0.0.1":        {"10.0.0.1", "10.0.0.1:8883"},
		"fe80::1":         {"fe80::1", "[fe80::1]:8883"},
		"[fe80::1]":       {"fe80::1", "[fe80::1]:8883"},
		"[fe80::1]:1":     {"fe80::1", "[fe80::1]:1"},
	} {
		host, address := Identity{Gateway: gateway}.address()
		assert.Equal(t, want, [2]string{host, address})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no credentials":                  func(c *Config) { c.Identity.credentials = nil },
		"no IoT Hub or no gateway":        func(c *Config) { c.Identity.Gateway = "" },
		`"a/b" cannot be part of a topic`: func(c *Config) { c.Identity.DeviceID = "a/b" },
		`"m#" cannot be part of a topic`:  func(c *Config) { c.Identity.ModuleID = "m#" },
		`"" cannot be part of a topic`:    func(c *Config) { c.Identity.ModuleID = "" },
		"MaxUnacked 65536":                func(c *Config) { c.MaxUnacked = 65536 },
		"MaxUnacked -1":                   func(c *Config) { c.MaxUnacked = -1 },
		"negative duration":               func(c *Config) { c.StableAfter = -1 },
		"TokenTTL 1ms":                    func(c *Config) { c.TokenTTL = 1e6 },
		"KeepAlive 11m0s":                 func(c *Config) { c.KeepAlive = 11 * 60e9 },
		"BackoffMin 2m0s":                 func(c *Config) { c.BackoffMin = 120e9 },
		"ProductInfo":                     func(c *Config) { c.ProductInfo = "\xFF" },
	} {
		cfg := Config{Identity: testIdentity()}
		change(&cfg)
		_, err := New(cfg)
		assert.ErrorContains(t, err, name)
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add(connectionString(testKey))
	f.Fuzz(func(t *testing.T, text string) {
		if id, key, err := parseConnectionString(text); err == nil {
			assert.NotEmpty(t, key)
			assert.NotEmpty(t, id.Gateway)
		}
	})
}
