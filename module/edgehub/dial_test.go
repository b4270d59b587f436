package edgehub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shake makes the client shake hands with a server of that configuration, at that host.
func shake(t *testing.T, host string, roots *x509.CertPool, config *tls.Config) error {
	t.Helper()
	certificate, _ := authority()
	config.Certificates = []tls.Certificate{certificate}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	defer func() { _ = listener.Close(); <-served }()

	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	client := testClient(t)
	client.cfg.Identity.Gateway = net.JoinHostPort(host, port)
	client.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	}
	link, err := client.dialTLS(t.Context(), roots)
	if err == nil {
		_ = link.NetConn().Close()
	}
	return err
}

func TestEdgeHubMustProveItsNameAndSpeakTLS12(t *testing.T) {
	_, pool := authority()
	assert.NoError(t, shake(t, "edgehub.test", pool, &tls.Config{MaxVersion: tls.VersionTLS12}))
	assert.NoError(t, shake(t, "127.0.0.1", pool, &tls.Config{MinVersion: tls.VersionTLS13}))

	err := shake(t, "edgehub.test", pool, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	assert.ErrorContains(t, err, "secure the line to edgeHub")

	err = shake(t, "edgehub.test", x509.NewCertPool(), &tls.Config{})
	var unknown x509.UnknownAuthorityError
	assert.ErrorAs(t, err, &unknown)

	err = shake(t, "elsewhere.test", pool, &tls.Config{})
	var name x509.HostnameError
	assert.ErrorAs(t, err, &name)
}

func TestADialThatFailsSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	client := testClient(t)
	client.cfg.Identity.Gateway = listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = client.dialTLS(t.Context(), nil)
	assert.ErrorContains(t, err, "dial edgeHub: dial tcp 127.0.0.1")
}
