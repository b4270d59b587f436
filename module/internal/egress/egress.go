// Package egress is what a guest may reach over HTTP: nothing but the origins that its permissions name, and IoT Hub's
// endpoint for telemetry, which is no network but a way into this module's outbox.
//
//	out, err := egress.New(egress.Config{Secrets: "/run/secrets/wasm-on-edge"})
//	client, err := out.Client(egress.Guest{Permissions: spec.Permissions, Timeout: spec.Limits.HTTPTimeout, Send: send})
//	if err := client.Check(address); err == nil {
//		response, err := client.Do(request)
//	}
//
// An origin is a scheme, a host and a port; "*." before a host takes all names below it. Each redirect is checked as the
// first address is. Names are resolved here, or by the proxy where the environment names one (HTTPS_PROXY, HTTP_PROXY,
// NO_PROXY), and the address that a name came to is checked when it is dialled, so that no name leads to this device itself,
// its neighbours on the link or a cloud's metadata service. Private networks are where factories have their servers: they
// are reached like others. An address of the refused kinds is reached where permissions.http gives it as such:
// "http://127.0.0.1:8080", or "http://localhost:8080".
//
// A guest never holds a secret: "${secret:NAME}" in a header of its request is replaced here, on its way to an origin that
// was allowed, and does not follow a redirect to another one.
//
// # Concurrency
//
// Everything here may be used from any goroutine. Nothing is started but what net/http keeps for idle connections.
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Bounds that hold for every guest.
const (
	maxRedirects       = 5
	maxRequest         = 4 << 20  // bytes of a request's body
	maxResponse        = 4 << 20  // bytes of a response's body
	maxResponseHeaders = 64 << 10 // bytes
	idleTime           = 30 * time.Second
	idleConnections    = 64
)

// Config is what Egress needs.
type Config struct {
	CA      string // file of certificates in PEM that are trusted besides the system's; "" for none
	Secrets string // directory of the files that permissions.secrets names; "" for none
}

// Egress is the way out that all guests share.
type Egress struct {
	secrets   string
	transport *http.Transport
}

// New returns the way out. An error is one of the certificates.
func New(c Config) (*Egress, error) {
	roots, err := roots(c.CA)
	if err != nil {
		return nil, err
	}
	return &Egress{secrets: c.Secrets, transport: newTransport(roots, http.ProxyFromEnvironment)}, nil
}

// newTransport is plain where a convenience of net/http would change what the guest sends or gets.
func newTransport(roots *x509.CertPool, proxy proxyFunc) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer{net.Dialer{Timeout: dialTime}, addressesOf(proxy)}.dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots},
		TLSHandshakeTimeout:    dialTime,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeaders,
		MaxIdleConns:           idleConnections,
		IdleConnTimeout:        idleTime,
	}
}

// roots returns the system's certificates with those of a file; nil stands for the system's alone.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read trusted certificates: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a container without any
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read trusted certificates: %q holds none in PEM", file)
	}
	return pool, nil
}

// Close closes the connections that are idle. Nothing may be under way.
func (e *Egress) Close() { e.transport.CloseIdleConnections() }
