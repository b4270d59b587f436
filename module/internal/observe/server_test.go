package observe

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve runs a server until the test ends, and returns its address.
func serve(t *testing.T, c ServerConfig) string {
	t.Helper()
	c.Address = "127.0.0.1:0"
	s, err := NewServer(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // awaited at the end
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
		_, err := net.Dial("tcp", s.Address())
		assert.Error(t, err, "the address is free again")
	})
	return s.Address()
}

func well() []Check { return []Check{{Name: "pipeline", OK: true}} }

func unwell() []Check {
	return []Check{{Name: "pipeline", OK: true}, {Name: "edgeHub", Reason: "no connection"}}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestHealthIsToldWithReasons(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	address := serve(t, ServerConfig{Metrics: metrics, Live: well, Ready: unwell})
	code, body := get(t, "http://"+address+"/healthz")
	assert.Equal(t, http.StatusOK, code)
	assert.JSONEq(t, `{"status":"ok","checks":[{"name":"pipeline","ok":true}]}`, body)
	code, body = get(t, "http://"+address+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.JSONEq(t, `{"status":"failing","checks":[{"name":"pipeline","ok":true},{"name":"edgeHub","ok":false,"reason":"no connection"}]}`, body)
	_, body = get(t, "http://"+address+"/metrics")
	assert.Equal(t, "up 1\n", body)
	code, _ = get(t, "http://"+address+"/")
	assert.Equal(t, http.StatusNotFound, code)
	response, err := http.Post("http://"+address+"/metrics", "text/plain", nil)
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
}

func TestHealthIsAskedForOnThisMachine(t *testing.T) {
	address := serve(t, ServerConfig{Metrics: http.NotFoundHandler(), Live: unwell, Ready: well})
	health, err := AskHealth(t.Context(), address)
	require.NoError(t, err)
	assert.Equal(t, Health{StatusFailing, unwell()}, health)
	_, port, _ := net.SplitHostPort(address)
	for _, any := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port} {
		_, err := AskHealth(t.Context(), any)
		assert.NoError(t, err, any)
	}
	_, err = AskHealth(t.Context(), "9600")
	assert.ErrorContains(t, err, "ask health")
}

func TestWhoeverHoldsConnectionsOpenKeepsOthersWaitingNotTheModule(t *testing.T) {
	address := serve(t, ServerConfig{Metrics: http.NotFoundHandler(), Live: well, Ready: well})
	var held []net.Conn
	for range serverConnections {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		held = append(held, conn)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := AskHealth(ctx, address)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for _, conn := range held {
		_ = conn.Close()
	}
	health, err := AskHealth(t.Context(), address)
	require.NoError(t, err)
	assert.Equal(t, StatusOK, health.Status)
}

func TestAnAddressThatIsTakenIsAnError(t *testing.T) {
	address := serve(t, ServerConfig{Metrics: http.NotFoundHandler(), Live: well, Ready: well})
	_, err := NewServer(ServerConfig{Address: address, Metrics: http.NotFoundHandler(), Live: well, Ready: well})
	assert.ErrorContains(t, err, "address already in use")
}
