package edgehub

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// The workload API of the IoT Edge daemon, over a Unix socket (edgelet/api/workloadVersion_2020_07_07.yaml).
const (
	// The oldest version, which every daemon serves.
	workloadVersion = "2018-06-28"
	// A request may make the daemon's identity service call the cloud. Its repetitions are within this too.
	workloadTimeout = 30 * time.Second
	// More than any trust bundle.
	workloadBodyLimit = 1 << 20

	workloadBackoffMin = 100 * time.Millisecond
	workloadBackoffMax = 5 * time.Second
)

// workload proves an identity with a key that the daemon keeps.
type workload struct {
	client   *http.Client
	base     string // "http://workload" for a socket
	signPath string

	// turn holds one token: beyond ten requests at once the daemon closes connections without an answer,
	// and the container may have other users of the socket.
	turn chan struct{}
}

// workloadError is an answer of the workload API that is not a success.
type workloadError struct {
	status  int
	message string
}

func (e *workloadError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("status %d: %s", e.status, e.message), ": ")
}

func newWorkload(uri, moduleID, generationID string) (*workload, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	// Without keep-alive a restarted daemon, which makes its socket anew, is no special case.
	transport := &http.Transport{DisableKeepAlives: true}
	w := &workload{
		client:   &http.Client{Transport: transport},
		signPath: "/modules/" + escape(moduleID) + "/genid/" + escape(generationID) + "/sign",
		turn:     make(chan struct{}, 1),
	}
	switch {
	case u.Scheme == "unix" && u.Path != "":
		w.base = "http://workload"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", u.Path)
		}
	case u.Scheme == "http" && u.Host != "":
		w.base = strings.TrimSuffix(uri, "/")
	default:
		return nil, fmt.Errorf("%q is neither unix:///path nor http://host", uri)
	}
	return w, nil
}

func (w *workload) sign(ctx context.Context, text string) (string, error) {
	// The daemon of IoT Edge 1.1 takes any other key id for another key.
	request, err := json.Marshal(map[string]string{
		"keyId": "primary",
		"algo":  "HMACSHA256",
		"data":  base64.StdEncoding.EncodeToString([]byte(text)),
	})
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	var answer struct {
		Digest string `json:"digest"`
	}
	if err := w.call(ctx, http.MethodPost, w.signPath, request, &answer); err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if answer.Digest == "" {
		return "", errors.New("sign token: the answer has no digest")
	}
	return answer.Digest, nil
}

func (w *workload) roots(ctx context.Context) (*x509.CertPool, error) {
	var answer struct {
		Certificate string `json:"certificate"`
	}
	if err := w.call(ctx, http.MethodGet, "/trust-bundle", nil, &answer); err != nil {
		return nil, fmt.Errorf("get trust bundle: %w", err)
	}
	pool, err := readRoots([]byte(answer.Certificate))
	if err != nil {
		return nil, fmt.Errorf("get trust bundle: %w", err)
	}
	return pool, nil
}

// call makes one request at a time and repeats it while the daemon is starting or overloaded.
func (w *workload) call(ctx context.Context, method, path string, request []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, workloadTimeout)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	again := backoff{min: workloadBackoffMin, max: workloadBackoffMax}
	for {
		err := w.try(ctx, method, path, request, answer)
		if err == nil || !passing(err) {
			return err
		}
		if sleep(ctx, again.next()) != nil {
			return err // what is wrong with the daemon says more than that time is up
		}
	}
}

func (w *workload) try(ctx context.Context, method, path string, request []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path+"?api-version="+workloadVersion, bytes.NewReader(request))
	if err != nil {
		return err
	}
	if request != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, workloadBodyLimit))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &workloadError{status: resp.StatusCode, message: errorMessage(body)}
	}
	// Whatever the content type says: daemons have sent text/plain.
	return json.Unmarshal(body, answer)
}

// errorMessage returns the reason in {"message": "…"}, which encoding/json finds under "Message" too.
func errorMessage(body []byte) string {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Message == "" {
		return string(bytes.TrimSpace(body[:min(len(body), 200)]))
	}
	return answer.Message
}

// passing tells whether trying again may help.
func passing(err error) bool {
	if answer, ok := errors.AsType[*workloadError](err); ok {
		return answer.status >= 500
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
