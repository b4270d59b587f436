package edgehub

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// daemon serves handler as the workload API, on a Unix socket, and returns the identity of a module of it.
func daemon(t *testing.T, handler http.HandlerFunc) Identity {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "workload.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	id, err := IdentityFromEnvironment(environment(map[string]string{
		"IOTEDGE_WORKLOADURI": "unix://" + socket, "IOTEDGE_MODULEID": "fil/ter", "IOTEDGE_MODULEGENERATIONID": "6 3",
	}))
	require.NoError(t, err)
	return id
}

func TestSignAsksTheDaemonAsIoTEdge11WantsIt(t *testing.T) {
	id := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "/modules/fil%2Fter/genid/6%203/sign?api-version=2018-06-28", r.RequestURI)
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		var request map[string]string
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&request))
		text, err := base64.StdEncoding.DecodeString(request["data"])
		assert.NoError(t, err)
		assert.Equal(t, map[string]string{"keyId": "primary", "algo": "HMACSHA256", "data": request["data"]}, request)

		w.Header().Set("Content-Type", "text/plain") // is not looked at
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]string{"digest": signSAS(testKey, string(text))}))
	})
	signature, err := id.credentials.sign(t.Context(), "resource\n17")
	require.NoError(t, err)
	assert.Equal(t, signSAS(testKey, "resource\n17"), signature)
}

func TestTheTrustBundleMayHoldSeveralCertificates(t *testing.T) {
	var bundle atomic.Value
	bundle.Store(string(authorityPEM()) + "\n" + string(authorityPEM()))
	id := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/trust-bundle?api-version=2018-06-28", r.RequestURI)
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"certificate": bundle.Load()}))
	})
	pool, err := id.credentials.roots(t.Context())
	require.NoError(t, err)
	_, want := authority()
	assert.True(t, want.Equal(pool))

	bundle.Store("")
	_, err = id.credentials.roots(t.Context())
	assert.ErrorContains(t, err, "get trust bundle: no certificate in it")
}

func TestTheDaemonsReasonIsPassedOnAndNotRetried(t *testing.T) {
	var calls atomic.Int32
	id := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"forbidden"}`)
	})
	_, err := id.credentials.sign(t.Context(), "text")
	assert.EqualError(t, err, "sign token: status 403: forbidden")
	assert.EqualValues(t, 1, calls.Load())
}

func TestADaemonInTroubleIsAskedAgain(t *testing.T) {
	var calls atomic.Int32
	id := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls.Add(1) {
		case 1: // beyond ten requests at once: no answer at all
			connection, _, err := w.(http.Hijacker).Hijack()
			assert.NoError(t, err)
			_ = connection.Close()
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, `{"digest":"ZGlnZXN0"}`)
		}
	})
	signature, err := id.credentials.sign(t.Context(), "text")
	require.NoError(t, err)
	assert.Equal(t, "ZGlnZXN0", signature)
	assert.EqualValues(t, 3, calls.Load())
}

func TestRetriesEndWithTheContextAndSayWhatWasWrong(t *testing.T) {
	id := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"Message":"starting"}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err := id.credentials.sign(ctx, "text")
	assert.EqualError(t, err, "sign token: status 503: starting")
}

func TestAnswersThatAreNoneAreErrors(t *testing.T) {
	for _, body := range []string{"", "nonsense", "{}", `{"digest":1}`} {
		id := daemon(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := id.credentials.sign(t.Context(), "text")
		assert.ErrorContains(t, err, "sign token", body)
	}
}

func TestRequestsToTheDaemonAreMadeOneAtATime(t *testing.T) {
	var now, most atomic.Int32
	id := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		_, _ = io.WriteString(w, `{"digest":"ZGlnZXN0"}`)
	})
	results := make(chan error, 20)
	for range cap(results) {
		go func() {
			_, err := id.credentials.sign(t.Context(), "text")
			results <- err
		}()
	}
	for range cap(results) {
		assert.NoError(t, <-results)
	}
	assert.EqualValues(t, 1, most.Load())
}

func TestAWorkloadURIMayBeHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/modules/filter/genid/638/sign", r.URL.Path)
		_, _ = io.WriteString(w, `{"digest":"ZGlnZXN0"}`)
	}))
	defer server.Close()
	id, err := IdentityFromEnvironment(environment(map[string]string{"IOTEDGE_WORKLOADURI": server.URL + "/"}))
	require.NoError(t, err)
	_, err = id.credentials.sign(t.Context(), "text")
	assert.NoError(t, err)
}
