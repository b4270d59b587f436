package artifact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// maxRedirects is how often a server may point elsewhere.
const maxRedirects = 5

// upstreamHost stands for the parent of a nested device in a source.
const upstreamHost = "$upstream"

// client is an HTTP client for one attempt at one source. It speaks TLS only, and is not led from a public server to a
// private address: what answers there is the plant's, or the device's own.
type client struct {
	*http.Client
	transport *http.Transport
	origin    string      // host of the source
	inside    atomic.Bool // which is at a private address itself
	proxies   map[string]bool
}

// newClient returns a client for a source's host, and that host with $upstream replaced.
func (s *Store) newClient(ctx context.Context, host string) (*client, string, error) {
	roots := s.config.Roots
	if name, port, _ := strings.Cut(host, ":"); name == upstreamHost {
		if s.config.Upstream == "" {
			return nil, "", refuse("this device has no parent that %s could mean", upstreamHost)
		}
		var err error
		if roots, err = s.config.UpstreamRoots(ctx); err != nil {
			return nil, "", fmt.Errorf("get the authorities of the parent: %w", err)
		}
		host = net.JoinHostPort(s.config.Upstream, port)
	}
	c := &client{origin: hostname(host)}
	c.transport = &http.Transport{
		Proxy: s.config.Proxy, DialContext: c.dial, TLSClientConfig: tlsConfig(roots), ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: stallTime, ResponseHeaderTimeout: stallTime, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true, // lengths and ranges are those of the file
	}
	if err := c.noteProxies(s.config.Proxy, host); err != nil {
		return nil, "", err
	}
	c.Client = &http.Client{Transport: c, CheckRedirect: c.checkRedirect}
	return c, host, nil
}

func tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// noteProxies finds out which host is a proxy: it is the device's own choice, wherever it is, and resolves all names.
func (c *client) noteProxies(proxy func(*http.Request) (*url.URL, error), host string) error {
	u, err := proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
	if err != nil {
		return fmt.Errorf("read proxy of the environment: %w", err)
	}
	c.proxies = make(map[string]bool)
	if u != nil {
		c.proxies[u.Hostname()] = true
	}
	return nil
}

// RoundTrip refuses what is not encrypted, wherever a server points: signatures do not keep credentials secret.
func (c *client) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, refuse("it leads to %s://%s, which is not https", r.URL.Scheme, r.URL.Host)
	}
	if address, err := netip.ParseAddr(r.URL.Hostname()); err == nil && r.URL.Hostname() != c.origin && private(address) && !c.inside.Load() {
		return nil, c.refusePrivate(address)
	}
	return c.transport.RoundTrip(r)
}

func (c *client) checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: stallTime, KeepAlive: 15 * time.Second}
	host := hostname(address)
	if host != c.origin && !c.proxies[host] && !c.inside.Load() {
		dialer.Control = c.control
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil && host == c.origin {
		if to, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && private(to.Addr()) {
			c.inside.Store(true)
		}
	}
	return conn, err
}

// control looks at the address that a name was resolved to, right before it is connected to.
func (c *client) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if private(to.Addr()) {
		return c.refusePrivate(to.Addr())
	}
	return nil
}

func (c *client) refusePrivate(to netip.Addr) error {
	return refuse("%s leads to the private address %v", c.origin, to)
}

// private reports whether an address is not one of the internet's.
func private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || sharedSpace.Contains(a)
}

// sharedSpace is that of carriers, RFC 6598; clouds keep services in it.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func (c *client) close() { c.transport.CloseIdleConnections() }

// withoutURL drops what [http.Client] puts before an error: where it was led may hold a secret of the server that led there.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
