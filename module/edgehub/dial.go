package edgehub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// prepare does all that needs no part of edgeHub's session: a fresh token, fresh trust, and a link with TLS.
// A connection that still works is not touched by it.
func (c *Client) prepare(ctx context.Context) (*tls.Conn, token, error) {
	t, err := c.sign(ctx)
	if err != nil {
		return nil, token{}, err
	}
	// Asked for at each connect: the device's CA is rotated while modules run.
	roots, err := c.cfg.Identity.credentials.roots(ctx)
	if err != nil {
		return nil, token{}, err
	}
	link, err := c.dialTLS(ctx, roots)
	if err != nil {
		return nil, token{}, err
	}
	return link, t, nil
}

// reaches tells whether edgeHub takes connections, over TCP: one that ends closes its listener with them or before.
func (c *Client) reaches(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, address := c.cfg.Identity.address()
	conn, err := c.dial(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (c *Client) dialTLS(ctx context.Context, roots *x509.CertPool) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	host, address := c.cfg.Identity.address()
	tcp, err := c.dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial edgeHub: %w", err)
	}
	link := tls.Client(tcp, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots})
	if err := link.HandshakeContext(ctx); err != nil {
		_ = tcp.Close()
		return nil, fmt.Errorf("secure the line to edgeHub %s: %w", address, err)
	}
	return link, nil
}

// open makes an MQTT connection of a link. CONNACK and SUBACKs have their own time: a server may finish
// TLS and lose the CONNECT (edgeHub 1.6.0 did).
func (c *Client) open(ctx context.Context, link *tls.Conn, t token) (conn *connection, sessionPresent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	conn = c.start(link, t)
	sessionPresent, err = conn.open(ctx)
	if err != nil {
		conn.stop(err)
		return nil, false, err
	}
	return conn, sessionPresent, nil
}
