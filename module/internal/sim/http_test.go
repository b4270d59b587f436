package sim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// caller invokes methods as the module called source does.
type caller struct {
	t    *testing.T
	hub  *Hub
	http *http.Client
}

func newCaller(t *testing.T, h *Hub) *caller {
	t.Helper()
	pem, err := os.ReadFile(h.caFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t: t, hub: h, http: &http.Client{Transport: transport}}
}

// methodPath is where a method of a module of this device is invoked.
func methodPath(module string) string {
	return "/twins/" + deviceID + "/modules/" + module + "/methods?api-version=2018-06-30"
}

// request is a request that the hub serves.
func (c *caller) request(path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.hub.URL()+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("x-ms-edge-moduleId", deviceID+"/source")
	r.Header.Set("Authorization", token(iotHub, deviceID, "source", c.hub.peers["source"].key, time.Now().Add(time.Hour)))
	return r
}

func (c *caller) do(r *http.Request) (status int, body string) {
	c.t.Helper()
	response, err := c.http.Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	if len(text) > 0 {
		assert.Equal(c.t, "application/json; charset=utf-8", response.Header.Get("Content-Type"))
	}
	return response.StatusCode, string(text)
}

// reply answers the next call of a method, whatever it asks for, and returns its name and payload.
func reply200(c *client, body string) (name, payload string) {
	c.t.Helper()
	p := c.published()
	name, rid, ok := edgehub.ParseMethodTopic(p.TopicName)
	require.True(c.t, ok, p.TopicName)
	c.publish(0, 0, edgehub.MethodResponseTopic(200, rid), body)
	return name, string(p.Payload)
}

func TestModuleInvokesAMethodOfAnother(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	filter := join(t, h, "filter")
	caller := newCaller(t, h)
	for answer, want := range map[string]string{
		`{"ok":  true}`: `{"status":200,"payload":{"ok":  true}}`,
		``:              `{"status":200,"payload":null}`,
		`no JSON`:       `{"status":200,"payload":no JSON}`, // edgeHub does not look at it
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			name, payload := reply200(filter, answer)
			assert.Equal(t, "reset", name)
			assert.Equal(t, `{"a":[1,"é"]}`, payload)
		}()
		status, body := caller.do(caller.request(methodPath("filter"), `{"methodName":"reset","payload":{"a": [1, "é"]}}`))
		<-done
		assert.Equal(t, 200, status)
		assert.Equal(t, want, body)
	}
}

func TestMethodRequestIsRefusedAsByEdgeHub(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	join(t, h, "filter")
	caller := newCaller(t, h)
	good := `{"methodName":"reset","payload":null}`
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	auth := func(key []byte, expires time.Time) func(*http.Request) {
		return header("Authorization", token(iotHub, deviceID, "source", key, expires))
	}
	nothing := func(*http.Request) {}
	key, later := h.peers["source"].key, time.Now().Add(time.Hour)
	long := func(size int) string { return `{"methodName":"m","payload":"` + strings.Repeat("x", size) + `"}` }
	for name, c := range map[string]struct {
		path, body string
		spoil      func(*http.Request)
		status     int
		want       string
	}{
		"another path":        {"/twins/x", good, nothing, 404, ""},
		"another verb":        {methodPath("filter"), good, func(r *http.Request) { r.Method = "PUT" }, 405, ""},
		"another type":        {methodPath("filter"), good, header("Content-Type", "text/plain"), 415, ""},
		"no JSON":             {methodPath("filter"), `{`, nothing, 500, ""},
		"no name":             {methodPath("filter"), `{"payload":1}`, nothing, 500, ""},
		"white name":          {methodPath("filter"), `{"methodName":" ","payload":1}`, nothing, 500, ""},
		"no payload":          {methodPath("filter"), `{"methodName":"reset"}`, nothing, 500, ""},
		"short timeout":       {methodPath("filter"), `{"methodName":"reset","payload":1,"responseTimeoutInSeconds":4}`, nothing, 500, ""},
		"long timeout":        {methodPath("filter"), `{"methodName":"reset","payload":1,"connectTimeoutInSeconds":301}`, nothing, 500, ""},
		"large payload":       {methodPath("filter"), long(128 << 10), nothing, 500, ""},
		"very large payload":  {methodPath("filter"), long(2 << 20), nothing, 500, ""},
		"nobody asks":         {methodPath("filter"), good, header("x-ms-edge-moduleId", deviceID), 400, `{"message":"Invalid header value for x-ms-edge-moduleId"}`},
		"from another device": {methodPath("filter"), good, header("x-ms-edge-moduleId", "other/source"), 401, `{"message":"Only modules on the same device can invoke DirectMethods"}`},
		"no token":            {methodPath("filter"), good, func(r *http.Request) { r.Header.Del("Authorization") }, 401, `{"message":"Authorization header missing"}`},
		"another token":       {methodPath("filter"), good, header("Authorization", "Bearer x"), 401, `{"message":"Invalid Authorization header. Only SharedAccessSignature is supported."}`},
		"malformed token":     {methodPath("filter"), good, header("Authorization", "SharedAccessSignature x"), 401, `{"message":"Cannot parse SharedAccessSignature because of the following error - `},
		"expired token":       {methodPath("filter"), good, auth(key, time.Now().Add(-10*time.Minute)), 401, `{"message":"Unable to authenticate device with Id ` + deviceID + `/source"}`},
		"another's token":     {methodPath("filter"), good, auth([]byte("x"), later), 401, `{"message":"Unable to authenticate device with Id ` + deviceID + `/source"}`},
		"unknown asker":       {methodPath("filter"), good, header("x-ms-edge-moduleId", deviceID+"/nobody"), 401, `{"message":"Unable to authenticate device with Id ` + deviceID + `/nobody"}`},
		"unknown module":      {methodPath("nobody"), good, nothing, 404, `{"message":"Client ` + deviceID + `/nobody not found"}`},
		"the device":          {"/twins/" + deviceID + "/methods", good, nothing, 404, `{"message":"Client ` + deviceID + ` not found"}`},
		"another device":      {"/twins/other/modules/filter/methods", good, nothing, 404, `{"message":"Client other/filter not found"}`},
		"who is away":         {methodPath("sink"), good, nothing, 404, `{"message":"Client ` + deviceID + `/sink not found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := caller.request(c.path, c.body)
			c.spoil(r)
			status, body := caller.do(r)
			assert.Equal(t, c.status, status)
			if c.want == "" {
				assert.Empty(t, body)
			}
			assert.True(t, strings.HasPrefix(body, c.want), body)
		})
	}
}

func TestMethodWaitsForTheModuleToSubscribe(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		invoke := func(connect, response time.Duration) <-chan int {
			status := make(chan int, 1)
			go func() {
				s, _ := h.invoke(context.Background(), deviceID, "filter", methodRequest{name: "m", payload: []byte("1"), connect: connect, response: response})
				status <- s
			}()
			return status
		}
		late := invoke(8*time.Second, 5*time.Second)
		after(t, 8*time.Second, func() { assert.Equal(t, 404, <-late) })

		first, second := invoke(60*time.Second, 10*time.Second), invoke(60*time.Second, 10*time.Second)
		time.Sleep(20 * time.Second)
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribe(0, edgehub.MethodsFilter)
		after(t, 3*time.Second, func() { c.published() })
		// The other waits until the first is done with: here by its timeout.
		after(t, 10*time.Second, func() { reply200(c, "2") })
		assert.ElementsMatch(t, []int{504, 200}, []int{<-first, <-second})
		c.disconnect()
		synctest.Wait() // the hub has noticed

		third := invoke(60*time.Second, 10*time.Second)
		time.Sleep(time.Second)
		c = dial()
		c.connect(connectPacket(h, "filter")) // its session has the subscription
		after(t, 3*time.Second, func() { reply200(c, "3") })
		assert.Equal(t, 200, <-third)
	})
}

func TestMoreMethodRequestsThanAreServedAreTurnedAway(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	for range maxMethodRequests {
		h.web.requests <- struct{}{}
	}
	caller := newCaller(t, h)
	status, _ := caller.do(caller.request(methodPath("filter"), `{"methodName":"m","payload":1}`))
	assert.Equal(t, 503, status)
}

func FuzzMethodRequest(f *testing.F) {
	f.Add(`{"methodName":"reset","payload":{"a": 1},"responseTimeoutInSeconds":5,"connectTimeoutInSeconds":300}`)
	f.Add(`{"METHODNAME":"x","payload":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := readMethodRequest(strings.NewReader(body))
		if err == nil {
			require.NoError(t, r.check())
			require.NotEmpty(t, r.name)
		}
	})
}
