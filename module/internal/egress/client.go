package egress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Guest is what a Client is made for.
type Guest struct {
	Permissions module.Permissions
	Timeout     time.Duration // of one request, its redirects and the reading of its response's body included
	// Send takes what is posted to IoT Hub's endpoint for telemetry, and returns when the message cannot be lost any more.
	// It is not bound by Timeout. nil: there is no such endpoint.
	Send func(context.Context, module.Message) error
}

// Client is one guest's way out. It allows nothing but what the guest's permissions do.
type Client struct {
	egress  *Egress
	guest   Guest
	origins []origin
}

// Client returns the way out of a guest. An error is one of permissions.http.
func (e *Egress) Client(g Guest) (*Client, error) {
	c := &Client{egress: e, guest: g}
	for name, text := range g.Permissions.HTTP {
		o, err := parseOrigin(text)
		if err != nil {
			return nil, fmt.Errorf("permissions.http %q: %w", name, err)
		}
		c.origins = append(c.origins, o)
	}
	return c, nil
}

// Do sends a request, whose header's names may be spelled as the guest spells them, and follows redirects. The response's
// body must be closed; reading it ends with an error after 4 MiB and when the time is up. An error that is
// [fs.ErrPermission] is a destination that is not allowed, perhaps that of a redirect.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if c.guest.Send != nil && isEvents(r.URL) {
		return c.post(r)
	}
	if err := c.checkNetwork(r.URL); err != nil {
		return nil, err
	}
	if r.ContentLength > maxRequest {
		return nil, fmt.Errorf("send request: its body has %d bytes, at most %d are taken", r.ContentLength, maxRequest)
	}
	out := r.Clone(r.Context())
	out.Header = c.ownHeader(r.Header)
	secret, err := c.fillIn(out.Header)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	client := http.Client{Transport: c.egress.transport, Timeout: c.guest.Timeout, CheckRedirect: c.redirect(secret)}
	response, err := client.Do(out)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxResponse)
	return response, nil
}

// notForwarded are headers of a connection, which is not the guest's.
var notForwarded = []string{"Connection", "Upgrade", "Te", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection"}

// ownHeader returns a header that is sent, with net/http's spelling of names.
func (c *Client) ownHeader(from http.Header) http.Header {
	header := make(http.Header, len(from))
	for name, values := range from {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	for _, name := range notForwarded {
		header.Del(name)
	}
	return header
}

var errRedirects = errors.New("too many redirects")

// redirect returns what decides on a redirect. Headers with secrets are for the origin that the guest asked for alone.
func (c *Client) redirect(secret []string) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, before []*http.Request) error {
		if len(before) > maxRedirects {
			return errRedirects
		}
		if err := c.checkNetwork(next.URL); err != nil {
			return err
		}
		if originOf(next.URL) != originOf(before[0].URL) {
			for _, name := range append(secret, "Referer") {
				next.Header.Del(name)
			}
		}
		return nil
	}
}
