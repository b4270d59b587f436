package egress

import (
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// ErrNotAllowed is a destination that permissions.http does not name.
var ErrNotAllowed = fmt.Errorf("permissions.http does not name this destination: %w", fs.ErrPermission)

// origin is a scheme, a host and a port, all of them in one spelling.
type origin struct {
	scheme, host, port string
	below              bool // all names below host, and not host itself
}

// originOf returns the origin of an address. Hosts are compared as they are written but for their case: another spelling
// of a name, or of an IP address, is another host, and so refused.
func originOf(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: u.Port()}
	if o.port == "" {
		o.port = map[string]string{"http": "80", "https": "443"}[o.scheme]
	}
	return o
}

// parseOrigin reads an entry of permissions.http.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return origin{}, fmt.Errorf("read origin %q: %w", text, err)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Path != "", u.RawQuery != "", u.User != nil:
		return origin{}, fmt.Errorf("read origin %q: it must be https://HOST or https://HOST:PORT", text)
	}
	o := originOf(u)
	o.host, o.below = strings.CutPrefix(o.host, "*.")
	return o, nil
}

// takes reports whether the entry o allows the origin of a request. A wildcard takes names, never IP addresses.
func (o origin) takes(requested origin) bool {
	if o.scheme != requested.scheme || o.port != requested.port {
		return false
	}
	if !o.below {
		return o.host == requested.host
	}
	_, err := netip.ParseAddr(requested.host)
	return err != nil && len(requested.host) > len(o.host)+1 && strings.HasSuffix(requested.host, "."+o.host)
}

// Check returns an error where the guest may not send requests to an address; it is an [fs.ErrPermission].
func (c *Client) Check(u *url.URL) error {
	if c.guest.Send != nil && isEvents(u) {
		return nil
	}
	return c.checkNetwork(u)
}

func (c *Client) checkNetwork(u *url.URL) error {
	requested := originOf(u)
	if slices.ContainsFunc(c.origins, func(o origin) bool { return o.takes(requested) }) {
		return nil
	}
	return ErrNotAllowed
}
