package sim

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // net/http takes no other logger
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

const (
	// maxMethodRequests is how many requests are served at once. edgeHub knows no limit; the next one is told to wait.
	maxMethodRequests = 100
	methodRequestMax  = 1 << 20 // bytes of a request's body: more holds no payload that is possible
	webIdle           = 2 * time.Minute
	actorHeader       = "x-ms-edge-moduleId"
)

// web is the HTTPS side of edgeHub, by which modules invoke direct methods of each other (TwinsController.cs). Of
// api-version edgeHub takes no notice.
type web struct {
	hub      *Hub
	listener net.Listener
	requests chan struct{} // a token for each request that is served
}

// URL is where modules invoke direct methods of each other: "https://localhost:43210". On a device it is port 443 of
// the gateway host, which the SDKs take for granted.
func (h *Hub) URL() string {
	port := portOf(h.web.listener)
	return "https://" + net.JoinHostPort(gatewayHost, strconv.Itoa(port))
}

// serve serves until ctx ends or the listener fails, and says why.
func (w *web) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/twins/{device}/methods", w.invoke)
	mux.HandleFunc("/twins/{device}/modules/{module}/methods", w.invoke)
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) })
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: webIdle, IdleTimeout: webIdle,
		ErrorLog: log.New(w.hub.cfg.Log, "", 0),
	}
	defer context.AfterFunc(ctx, func() { server.Close() })() // at once: there is nothing to save
	return fmt.Errorf("serve direct methods: %w", server.Serve(tls.NewListener(w.listener, w.hub.tls)))
}

// invoke serves a request for a direct method. edgeHub looks at the request before it looks at who asks, and answers
// whatever is wrong with it by 500 and nothing.
func (w *web) invoke(rw http.ResponseWriter, r *http.Request) {
	select {
	case w.requests <- struct{}{}:
		defer func() { <-w.requests }()
	default:
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	if status := unfit(r); status != 0 {
		rw.WriteHeader(status)
		return
	}
	request, err := readMethodRequest(http.MaxBytesReader(rw, r.Body, methodRequestMax))
	if err != nil {
		w.hub.cfg.Log.Warn().Err(err).Msg("direct method refused")
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	if status, reason := w.hub.authenticate(r); status != 0 {
		replyMethod(rw, status, methodError(reason))
		return
	}
	if request.payload == nil { // edgeHub notices when it is about to send it
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	status, body := w.hub.invoke(r.Context(), r.PathValue("device"), r.PathValue("module"), request)
	replyMethod(rw, status, body)
}

// unfit returns the status of a request that edgeHub's web server does not let through, 0 for one that it does.
func unfit(r *http.Request) int {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case err != nil || kind != "application/json" && kind != "text/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")):
		return http.StatusUnsupportedMediaType
	}
	return 0
}

// readMethodRequest reads {"methodName": …, "payload": …, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0},
// of which only the name is required.
func readMethodRequest(body io.Reader) (methodRequest, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return methodRequest{}, fmt.Errorf("read request: %w", err)
	}
	var wire struct {
		MethodName               *string
		Payload                  json.RawMessage
		ResponseTimeoutInSeconds *int32
		ConnectTimeoutInSeconds  *int32
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return methodRequest{}, fmt.Errorf("read request: %w", err)
	}
	if wire.MethodName == nil {
		return methodRequest{}, errors.New("read request: methodName is missing")
	}
	r := methodRequest{name: *wire.MethodName, response: seconds(wire.ResponseTimeoutInSeconds, methodTimeout), connect: seconds(wire.ConnectTimeoutInSeconds, 0)}
	if wire.Payload != nil {
		var compact bytes.Buffer
		_ = json.Compact(&compact, wire.Payload) // it has just been read
		r.payload = compact.Bytes()
	}
	if err := r.check(); err != nil {
		return methodRequest{}, fmt.Errorf("read request: %w", err)
	}
	return r, nil
}

func seconds(n *int32, otherwise time.Duration) time.Duration {
	if n == nil {
		return otherwise
	}
	return time.Duration(*n) * time.Second
}

// authenticate finds out which module asks, by its header and its token. A status other than 0 says why it may not
// (TwinsController.cs, HttpRequestAuthenticator.cs).
func (h *Hub) authenticate(r *http.Request) (status int, reason string) {
	device, module, _ := strings.Cut(strings.Trim(r.Header.Get(actorHeader), "/"), "/")
	if device == "" || module == "" {
		return http.StatusBadRequest, "Invalid header value for " + actorHeader
	}
	if device != deviceID {
		return http.StatusUnauthorized, "Only modules on the same device can invoke DirectMethods"
	}
	token := r.Header.Get("Authorization")
	if token == "" {
		return http.StatusUnauthorized, "Authorization header missing"
	}
	const scheme = "SharedAccessSignature"
	if len(token) < len(scheme) || !strings.EqualFold(token[:len(scheme)], scheme) {
		return http.StatusUnauthorized, "Invalid Authorization header. Only SharedAccessSignature is supported."
	}
	if _, err := edgehub.ParseSASToken(token); err != nil {
		return http.StatusUnauthorized, "Cannot parse SharedAccessSignature because of the following error - " + err.Error()
	}
	p, ok := h.peers[module]
	if ok {
		_, err := p.authorize(token)
		ok = err == nil
	}
	if !ok {
		return http.StatusUnauthorized, "Unable to authenticate device with Id " + device + "/" + module
	}
	return 0, ""
}

// invoke calls a method for a module and returns status and body of the reply.
func (h *Hub) invoke(ctx context.Context, device, module string, request methodRequest) (status int, body []byte) {
	id := device
	if module != "" {
		id += "/" + module
	}
	rid := newUUID()
	switch a, err := h.target(device, module).invoke(ctx, rid, request); {
	case errors.Is(err, ErrNotReachable):
		return a.status, methodError("Client " + id + " not found")
	case err != nil:
		return a.status, methodError("Timed out waiting for device to respond to method request " + rid)
	default:
		return http.StatusOK, methodResult(a)
	}
}

// target returns the module of a name, or one that never connects: edgeHub waits for whatever it is asked for.
func (h *Hub) target(device, module string) *peer {
	if p, ok := h.peers[module]; ok && device == deviceID {
		return p
	}
	return &peer{hub: h}
}

// methodResult is {"status": 200, "payload": …}. What the module answered goes in as it is, JSON or not.
func methodResult(a answer) []byte {
	payload := a.body
	if len(payload) == 0 {
		payload = []byte("null")
	}
	body := strconv.AppendInt([]byte(`{"status":`), int64(a.status), 10)
	body = append(append(body, `,"payload":`...), bytes.ToValidUTF8(payload, []byte("\uFFFD"))...)
	return append(body, '}')
}

func methodError(message string) []byte { return encode(map[string]any{"message": message}) }

func replyMethod(rw http.ResponseWriter, status int, body []byte) {
	if body != nil {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // a caller that is gone need not hear it
}
