package sim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"
)

const (
	// maxWorkloadRequests is how many requests a workload socket serves at once. The connection of any other is
	// closed without a reply (workloadsockets.md of edgelet).
	maxWorkloadRequests = 10
	workloadBodyMax     = 1 << 20 // bytes
	workloadIdle        = time.Minute
)

// workloadVersions are the values of api-version that aziot-edged knows.
var workloadVersions = []string{"2018-06-28", "2019-01-30", "2019-10-22", "2019-11-05", "2020-07-07", "2021-12-07", "2022-08-03"}

// workload is the workload API of one module on a socket of its own: what a module needs to find out whom to trust
// and to sign its tokens.
type workload struct {
	peer     *peer
	bundle   []byte // PEM
	listener net.Listener
	requests chan struct{} // a token for each request that is served; full: the next one is cut off
}

// serve serves the socket until ctx ends or the socket fails, and says why.
func (w *workload) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /trust-bundle", w.trustBundle)
	mux.HandleFunc("GET /manifest-trust-bundle", w.manifestTrustBundle)
	mux.HandleFunc("POST /modules/{name}/genid/{generation}/sign", w.sign)
	for _, path := range []string{"/trust-bundle", "/manifest-trust-bundle", "/modules/{name}/genid/{generation}/sign"} {
		mux.HandleFunc(path, func(rw http.ResponseWriter, _ *http.Request) { fail(rw, http.StatusBadRequest, "method not allowed") })
	}
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { fail(rw, http.StatusNotFound, "not found") })
	server := &http.Server{Handler: w.limit(w.versioned(mux)), IdleTimeout: workloadIdle, ReadHeaderTimeout: workloadIdle}
	defer context.AfterFunc(ctx, func() { server.Close() })() // at once: there is nothing to save
	return fmt.Errorf("serve workload API of module %q: %w", w.peer.name, server.Serve(w.listener))
}

// limit cuts off what is too many at once.
func (w *workload) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case w.requests <- struct{}{}:
			defer func() { <-w.requests }()
			next.ServeHTTP(rw, r)
		default:
			panic(http.ErrAbortHandler) // net/http's way of closing a connection without a reply
		}
	})
}

func (w *workload) versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch version := r.URL.Query().Get("api-version"); {
		case !r.URL.Query().Has("api-version"):
			fail(rw, http.StatusBadRequest, "api-version not specified")
			return
		case !slices.Contains(workloadVersions, version):
			fail(rw, http.StatusBadRequest, fmt.Sprintf("invalid api-version %q", version))
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func (w *workload) trustBundle(rw http.ResponseWriter, _ *http.Request) {
	reply(rw, http.StatusOK, map[string]string{"certificate": string(w.bundle)})
}

// manifestTrustBundle is empty on a device whose deployments are not signed.
func (w *workload) manifestTrustBundle(rw http.ResponseWriter, _ *http.Request) {
	reply(rw, http.StatusOK, map[string]string{"certificate": ""})
}

// sign makes the HMAC of what it is given with the module's key. Like aziot-edged it does so for the caller only, and
// like the edgelet of IoT Edge 1.1 with the key "primary" only.
func (w *workload) sign(rw http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") != w.peer.name {
		fail(rw, http.StatusForbidden, "forbidden")
		return
	}
	if r.PathValue("generation") != w.peer.generation {
		fail(rw, http.StatusNotFound, "no identity of this generation")
		return
	}
	data, status, err := readSignRequest(r.Body)
	if err != nil {
		fail(rw, status, err.Error())
		return
	}
	mac := hmac.New(sha256.New, w.peer.key)
	mac.Write(data)
	reply(rw, http.StatusOK, map[string]string{"digest": base64.StdEncoding.EncodeToString(mac.Sum(nil))})
}

// readSignRequest reads {"keyId": "primary", "algo": "HMACSHA256", "data": base64} and returns the data, or the status
// with which aziot-edged refuses the request.
func readSignRequest(body io.Reader) (data []byte, status int, err error) {
	text, err := io.ReadAll(io.LimitReader(body, workloadBodyMax))
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("read request: %w", err)
	}
	if len(text) == 0 {
		return nil, http.StatusBadRequest, errors.New("missing parameter: request body")
	}
	var request struct {
		KeyID, Algo string
		Data        *string
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, http.StatusUnprocessableEntity, fmt.Errorf("read request: %w", err)
	}
	if request.Data == nil {
		return nil, http.StatusUnprocessableEntity, errors.New("missing field `data`")
	}
	if request.KeyID != "primary" || request.Algo != "HMACSHA256" {
		return nil, http.StatusBadRequest, fmt.Errorf(`read request: want keyId "primary" and algo "HMACSHA256", not %q and %q`, request.KeyID, request.Algo)
	}
	if data, err = base64.StdEncoding.DecodeString(*request.Data); err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("invalid parameter: %w", err)
	}
	return data, http.StatusOK, nil
}

func fail(rw http.ResponseWriter, status int, message string) {
	reply(rw, status, map[string]string{"message": message})
}

func reply(rw http.ResponseWriter, status int, body map[string]string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = rw.Write(encode(body)) // a caller that is gone need not hear it
}
