package egress

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// dialTime is how long a connection has to come about, with its handshake as long again.
const dialTime = 10 * time.Second

type proxyFunc = func(*http.Request) (*url.URL, error)

// dialer connects to what guests were allowed to reach by name, and to proxies.
type dialer struct {
	net.Dialer
	proxies []string // "host:port", which may be anywhere: who set the environment chose them
}

// addressesOf returns where a proxy of the environment is, for either scheme.
func addressesOf(proxy proxyFunc) (addresses []string) {
	ports := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	for _, scheme := range []string{"http", "https"} {
		p, err := proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: "host.invalid"}})
		if err != nil || p == nil {
			continue // net/http tells of the error with each request
		}
		port := p.Port()
		if port == "" {
			port = ports[p.Scheme]
		}
		addresses = append(addresses, net.JoinHostPort(p.Hostname(), port))
	}
	return addresses
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	plain := d.Dialer
	if !slices.Contains(d.proxies, address) {
		plain.Control = func(_, resolved string, _ syscall.RawConn) error { return checkAddress(host, resolved) }
	}
	return plain.DialContext(ctx, network, address)
}

// checkAddress refuses the address that a host came to, "ip:port", unless the host is that address: only an entry of
// permissions.http that gives it as such lets one pass. It is called with each address just before it is dialled, so that a
// name cannot come to one address when it is checked and to another when it is used.
func checkAddress(host, resolved string) error {
	at, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return fmt.Errorf("read address %q: %w", resolved, err)
	}
	ip := plainAddress(at.Addr())
	if literal, err := netip.ParseAddr(host); err == nil && plainAddress(literal) == ip {
		return nil
	}
	if kind := refusedKind(ip); kind != "" && (host != localhost || !ip.IsLoopback()) {
		return fmt.Errorf("%q is at %s, %s, which permissions.http must name as such: %w", host, ip, kind, fs.ErrPermission)
	}
	return nil
}

// localhost is the one name that stands for loopback addresses. A wildcard never takes it.
const localhost = "localhost"

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
	thisHost  = netip.MustParsePrefix("0.0.0.0/8")    // RFC 1122
	// Services that a cloud's hosts reach at addresses which look like others: Azure's platform, AWS's metadata over IPv6,
	// Alibaba's metadata. The rest of them have 169.254.169.254, which is link-local.
	platform = []netip.Addr{netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}
)

// plainAddress returns the IPv4 address that an IPv6 address stands for, or the address itself without its zone.
func plainAddress(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	bytes := ip.As16()
	switch {
	case ip.Is4():
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[12:]))
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	}
	return ip
}

// refusedKind says what is special about an address, "" where nothing is.
func refusedKind(ip netip.Addr) string {
	switch {
	case ip.IsLoopback():
		return "a loopback address"
	case ip.IsLinkLocalUnicast():
		return "a link-local address"
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "a multicast address"
	case ip.IsUnspecified(), thisHost.Contains(ip):
		return "an unspecified address"
	case slices.Contains(platform, ip):
		return "a metadata address"
	}
	return ""
}
