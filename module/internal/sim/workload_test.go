package sim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// workloadClient speaks HTTP to the workload API that a module's environment names.
func workloadClient(t *testing.T, h *Hub, module string) *http.Client {
	t.Helper()
	uri, err := url.Parse(h.Environment(module)["IOTEDGE_WORKLOADURI"])
	require.NoError(t, err)
	require.Equal(t, "unix", uri.Scheme)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", uri.Path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func ask(t *testing.T, c *http.Client, method, path, body string) (status int, answer map[string]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://workload"+path, strings.NewReader(body))
	require.NoError(t, err)
	response, err := c.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer
}

func TestWorkloadAPIGivesTheTrustBundle(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	status, answer := ask(t, workloadClient(t, h, "filter"), "GET", "/trust-bundle?api-version=2018-06-28", "")
	assert.Equal(t, 200, status)
	assert.True(t, x509.NewCertPool().AppendCertsFromPEM([]byte(answer["certificate"])))
	file, err := os.ReadFile(h.caFile)
	require.NoError(t, err)
	assert.Equal(t, string(file), answer["certificate"])
}

func TestWorkloadAPIKnowsTheVersionsOfAziotEdged(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := workloadClient(t, h, "filter")
	for _, version := range []string{"2018-06-28", "2019-01-30", "2019-10-22", "2019-11-05", "2020-07-07", "2021-12-07", "2022-08-03"} {
		status, answer := ask(t, c, "GET", "/manifest-trust-bundle?api-version="+version, "")
		assert.Equal(t, 200, status)
		assert.Equal(t, map[string]string{"certificate": ""}, answer)
	}
}

func TestCertificatesAreEdgeHubsAndHoldForAYear(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	state := dial(t, h).conn.(*tls.Conn).ConnectionState()
	require.Len(t, state.VerifiedChains, 1)
	for _, certificate := range state.VerifiedChains[0] {
		assert.WithinDuration(t, time.Now().Add(365*24*time.Hour), certificate.NotAfter, time.Minute)
		assert.WithinDuration(t, time.Now().Add(-time.Hour), certificate.NotBefore, time.Minute)
	}
	require.NoError(t, state.PeerCertificates[0].VerifyHostname("edgeHub"), "its name as a module")
	_, err := tls.Dial("tcp", h.listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	require.Error(t, err)
}

func TestWorkloadAPISignsTokensThatTheHubAccepts(t *testing.T) {
	m := manifest.Manifest{Modules: []manifest.Module{{Name: "a (b)%2F", Status: "running"}}}
	h := start(t, Config{Manifest: m})
	env := h.Environment("a (b)%2F")
	sas := edgehub.NewSASToken(env["IOTEDGE_IOTHUBHOSTNAME"], env["IOTEDGE_DEVICEID"], env["IOTEDGE_MODULEID"], time.Now().Add(time.Hour))
	path := "/modules/" + url.PathEscape("a (b)%2F") + "/genid/" + env["IOTEDGE_MODULEGENERATIONID"] + "/sign?api-version=2018-06-28"
	status, answer := ask(t, workloadClient(t, h, "a (b)%2F"), "POST", path, string(encode(map[string]any{
		"keyId": "primary", "algo": "HMACSHA256", "data": base64.StdEncoding.EncodeToString([]byte(sas.StringToSign())),
	})))
	assert.Equal(t, 200, status)
	sas.Signature = answer["digest"]
	p := connectPacket(h, "a (b)%2F")
	p.Password = []byte(sas.Encode())
	dial(t, h).connect(p)
}

func TestWorkloadAPIRefusesWithAMessage(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := workloadClient(t, h, "filter")
	generation := h.Environment("filter")["IOTEDGE_MODULEGENERATIONID"]
	sign := "/modules/filter/genid/" + generation + "/sign?api-version=2018-06-28"
	good := `{"keyId":"primary","algo":"HMACSHA256","data":"eA=="}`
	for name, r := range map[string]struct {
		method, path, body string
		status             int
		message            string
	}{
		"no version":         {"GET", "/trust-bundle", "", 400, "api-version not specified"},
		"unknown version":    {"GET", "/trust-bundle?api-version=2017-01-01", "", 400, `invalid api-version "2017-01-01"`},
		"empty version":      {"GET", "/trust-bundle?api-version=", "", 400, `invalid api-version ""`},
		"another verb":       {"POST", "/trust-bundle?api-version=2018-06-28", "", 400, "method not allowed"},
		"another module":     {"POST", "/modules/sink/genid/1/sign?api-version=2018-06-28", good, 403, "forbidden"},
		"another generation": {"POST", "/modules/filter/genid/1/sign?api-version=2018-06-28", good, 404, "no identity of this generation"},
		"no body":            {"POST", sign, "", 400, "missing parameter: request body"},
		"no JSON":            {"POST", sign, "{", 422, "read request: unexpected end of JSON input"},
		"no data":            {"POST", sign, "{}", 422, "missing field `data`"},
		"another key":        {"POST", sign, strings.Replace(good, "primary", "secondary", 1), 400, `read request: want keyId "primary" and algo "HMACSHA256", not "secondary" and "HMACSHA256"`},
		"no base64":          {"POST", sign, strings.Replace(good, "eA==", "?", 1), 400, "invalid parameter: illegal base64 data at input byte 0"},
		"no such endpoint":   {"GET", "/modules?api-version=2018-06-28", "", 404, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := ask(t, c, r.method, r.path, r.body)
			assert.Equal(t, r.status, status)
			assert.Equal(t, map[string]string{"message": r.message}, answer)
		})
	}
}

func TestWorkloadAPIServesTenRequestsAtOnceAndCutsOffTheNext(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := workloadClient(t, h, "filter")
	w := h.workloads["filter"]
	sign := "http://workload/modules/filter/genid/" + w.peer.generation + "/sign?api-version=2018-06-28"
	var bodies []*io.PipeWriter
	for range maxWorkloadRequests {
		reader, writer := io.Pipe()
		bodies = append(bodies, writer)
		go func() {
			if response, err := c.Post(sign, "application/json", reader); err == nil {
				response.Body.Close()
			}
		}()
	}
	require.Eventually(t, func() bool { return len(w.requests) == maxWorkloadRequests }, patience, time.Millisecond)
	_, err := c.Post(sign, "application/json", strings.NewReader("{}"))
	require.ErrorIs(t, err, io.EOF)
	for _, body := range bodies {
		body.Close()
	}
	require.Eventually(t, func() bool { return len(w.requests) == 0 }, patience, time.Millisecond)
	status, _ := ask(t, c, "GET", "/trust-bundle?api-version=2018-06-28", "")
	assert.Equal(t, 200, status)
}

func TestEnvironmentIsThatOfEdgeAgent(t *testing.T) {
	m := deployment(t)
	m.Modules[1].Env = map[string]string{"RuntimeLogLevel": "debug"}
	h := start(t, Config{Manifest: m})
	env := h.Environment("filter")
	assert.Equal(t, "localhost:"+strings.TrimPrefix(h.listener.Addr().String(), "127.0.0.1:"), env["IOTEDGE_GATEWAYHOSTNAME"])
	delete(env, "IOTEDGE_GATEWAYHOSTNAME")
	assert.NotEmpty(t, env["IOTEDGE_MODULEGENERATIONID"])
	delete(env, "IOTEDGE_MODULEGENERATIONID")
	assert.Equal(t, map[string]string{
		"IOTEDGE_WORKLOADURI":    "unix://" + h.cfg.Dir + "/filter.sock",
		"IOTEDGE_AUTHSCHEME":     "sasToken",
		"IOTEDGE_IOTHUBHOSTNAME": "simulated.azure-devices.net",
		"IOTEDGE_DEVICEID":       "simulated-device",
		"IOTEDGE_MODULEID":       "filter",
		"IOTEDGE_APIVERSION":     "2022-08-03",
		"RuntimeLogLevel":        "Information",
	}, env)
	assert.Equal(t, "debug", h.Environment("sink")["RuntimeLogLevel"])
	assert.Nil(t, h.Environment("nobody"))
}

func TestConnectionStringIsThatOfIotedgehubdev(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	text, file := h.ConnectionString("filter")
	assert.Equal(t, "HostName=simulated.azure-devices.net;GatewayHostName="+h.gateway()+";DeviceId=simulated-device;ModuleId=filter;SharedAccessKey="+
		base64.StdEncoding.EncodeToString(h.peers["filter"].key), text)
	assert.FileExists(t, file)
	text, file = h.ConnectionString("nobody")
	assert.Empty(t, text+file)
}
