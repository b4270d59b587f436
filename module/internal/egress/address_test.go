package egress

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANameDoesNotLeadToSpecialAddresses(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
		"169.254.169.254", "169.254.1.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "fe80::1%eth0",
		"0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
		"168.63.129.16", "fd00:ec2::254", "100.100.100.200",
	} {
		err := checkAddress("erp.contoso.com", net.JoinHostPort(address, "443"))
		assert.ErrorIs(t, err, fs.ErrPermission, address)
	}
	for _, address := range []string{"10.1.2.3", "172.17.0.1", "192.168.0.9", "fd00::1", "20.50.1.1", "2001:db8::1", "64:ff9b::1432:101"} {
		assert.NoError(t, checkAddress("erp.contoso.com", net.JoinHostPort(address, "443")), address)
	}
	assert.Error(t, checkAddress("erp.contoso.com", "unix"))
}

func TestAnAddressThatIsNamedAsSuchIsReached(t *testing.T) {
	assert.NoError(t, checkAddress("127.0.0.1", "127.0.0.1:80"))
	assert.NoError(t, checkAddress("169.254.1.1", "169.254.1.1:80"))
	assert.NoError(t, checkAddress("::1", "[::1]:80"))
	assert.NoError(t, checkAddress("localhost", "127.0.0.1:80"))
	assert.NoError(t, checkAddress("localhost", "[::1]:80"))
	assert.Error(t, checkAddress("localhost", "169.254.169.254:80"))
	assert.Error(t, checkAddress("127.0.0.2", "127.0.0.1:80"))
}

func TestANameThatComesToThisDeviceIsRefusedWhenItIsDialled(t *testing.T) {
	hits := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)

	hostile := net.Dialer{Resolver: resolverTo(t, [4]byte{127, 0, 0, 1})}
	alias := "http://erp.invalid:" + port
	client := clientOf(t, Config{}, alias)
	client.egress.transport.DialContext = dialer{hostile, nil}.dial
	_, _, err = do(t, client, "GET", alias, "")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Zero(t, hits)

	named := "http://localhost:" + port
	_, _, err = do(t, clientOf(t, Config{}, named), "GET", named, "")
	require.NoError(t, err)
	assert.Equal(t, 1, hits)

	redirecting := httptest.NewServer(http.RedirectHandler(alias, http.StatusFound))
	t.Cleanup(redirecting.Close)
	client = clientOf(t, Config{}, redirecting.URL, alias)
	client.egress.transport.DialContext = dialer{hostile, nil}.dial
	_, _, err = do(t, client, "GET", redirecting.URL, "")
	require.ErrorIs(t, err, fs.ErrPermission, "after a redirect too")
	assert.Equal(t, 1, hits)
}

func TestAProxyResolvesNamesAndMayBeAnywhere(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.String() }))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	client := clientOf(t, Config{}, "http://erp.invalid")
	client.egress.transport = newTransport(nil, http.ProxyURL(at))
	status, _, err := do(t, client, "GET", "http://erp.invalid/a", "")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, "http://erp.invalid/a", asked)

	local := dialer{net.Dialer{Resolver: resolverTo(t, [4]byte{127, 0, 0, 1})}, []string{"proxy.invalid:" + at.Port()}}
	_, err = local.dial(t.Context(), "tcp", "erp.invalid:"+at.Port())
	require.ErrorIs(t, err, fs.ErrPermission)
	conn, err := local.dial(t.Context(), "tcp", "proxy.invalid:"+at.Port())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// resolverTo returns a resolver that has each name at one address.
func resolverTo(t *testing.T, address [4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	t.Cleanup(func() { _ = server.Close(); <-ended })
	go func() {
		defer close(ended)
		for query := make([]byte, 512); ; {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(answerTo(query[:n], address), from)
		}
	}()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// answerTo answers a DNS query for an A record, and others with none (RFC 1035).
func answerTo(query []byte, address [4]byte) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if query[end-3] == 1 {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, address[:]...)
	}
	return answer
}

func TestTheAddressOfAProxyHasAPort(t *testing.T) {
	for text, want := range map[string]string{"http://proxy": "proxy:80", "https://proxy": "proxy:443", "http://proxy:3128": "proxy:3128", "socks5://[::1]": "[::1]:1080"} {
		at, err := url.Parse(text)
		require.NoError(t, err)
		assert.Contains(t, addressesOf(http.ProxyURL(at)), want)
	}
}
