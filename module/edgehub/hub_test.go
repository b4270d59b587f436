package edgehub

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/require"
)

// The server that the tests script: it speaks MQTT with the library's codec, so that the client's own
// encoding is checked by somebody else's, and does nothing that a test does not tell it.

var testKey = []byte("the key of the module")

// authority is a certificate for "edgehub.test" and 127.0.0.1, made once: it is valid from before the year
// 2000, in which synctest's clock starts.
var authority = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "edgehub.test"},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		DNSNames:              []string{"edgehub.test"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

// testCredentials sign with testKey and trust the test's authority.
type testCredentials struct {
	mu      sync.Mutex
	signed  int   // how often sign was asked
	trusted int   // how often roots was asked
	failing error // what sign returns
}

func (c *testCredentials) sign(_ context.Context, text string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signed++
	return signSAS(testKey, text), c.failing
}

func (c *testCredentials) roots(context.Context) (*x509.CertPool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trusted++
	_, pool := authority()
	return pool, nil
}

func (c *testCredentials) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing = err
}

func testIdentity() Identity {
	return Identity{
		IoTHub: "hub.azure-devices.net", Gateway: "edgehub.test", DeviceID: "edge-1", ModuleID: "filter",
		source: "test", credentials: &testCredentials{},
	}
}

// hub is the listener. Its connections are pipes in memory, so that tests may run on synctest's clock.
type hub struct {
	t     testing.TB
	peers chan *peer
	tasks sync.WaitGroup

	mu     sync.Mutex
	refuse error // what dialling returns
	dialed []string
	open   []net.Conn
}

func newHub(t testing.TB) *hub {
	h := &hub{t: t, peers: make(chan *peer, 64)}
	t.Cleanup(h.close)
	return h
}

func (h *hub) close() {
	h.mu.Lock()
	for _, conn := range h.open {
		_ = conn.Close()
	}
	h.mu.Unlock()
	h.tasks.Wait()
}

func (h *hub) setRefuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = err
}

func (h *hub) dial(_ context.Context, _, address string) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dialed = append(h.dialed, address)
	if h.refuse != nil {
		return nil, h.refuse
	}
	near, far := net.Pipe()
	h.open = append(h.open, far)
	h.tasks.Go(func() { h.serve(far) })
	return near, nil
}

// serve shakes hands and then collects what the client sends.
func (h *hub) serve(conn net.Conn) {
	certificate, _ := authority()
	link := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if link.Handshake() != nil {
		return
	}
	got := make(chan packets.ControlPacket, 1<<16)
	defer close(got)
	p := &peer{t: h.t, link: link, got: got, deaf: make(chan struct{})}
	h.peers <- p
	for {
		packet, err := packets.ReadPacket(link)
		select {
		case <-p.deaf:
			return
		default:
		}
		if err != nil {
			return
		}
		got <- packet
	}
}

// next returns the client's next connection.
func (h *hub) next() *peer {
	h.t.Helper()
	select {
	case p := <-h.peers:
		return p
	case <-time.After(time.Hour): // on synctest's clock as a rule
		require.Fail(h.t, "the client did not connect")
		return nil
	}
}

// accept takes the next connection as far as Connected.
func (h *hub) accept() *peer {
	h.t.Helper()
	p := h.next()
	p.acceptConnect(false)
	p.grantAll()
	return p
}

// peer is the server's end of one connection.
type peer struct {
	t    testing.TB
	link *tls.Conn
	got  <-chan packets.ControlPacket // closed with the connection
	deaf chan struct{}                // closed: nothing more is read, and the connection stays open
}

// stopReading makes the peer one that hangs: after the next packet it reads no more.
func (p *peer) stopReading() { close(p.deaf) }

func (p *peer) write(packet packets.ControlPacket) {
	p.t.Helper()
	require.NoError(p.t, packet.Write(p.link))
}

// close ends the connection as edgeHub does: without a word of MQTT.
func (p *peer) close() { _ = p.link.NetConn().Close() }

// expect returns the next packet, which must be a T. PINGREQs are passed over, unless T is one.
func expect[T packets.ControlPacket](p *peer) T {
	p.t.Helper()
	for {
		select {
		case packet, ok := <-p.got:
			if _, ping := packet.(*packets.PingreqPacket); ping {
				if wanted, is := packet.(T); is {
					return wanted
				}
				continue
			}
			require.True(p.t, ok, "the client closed the connection")
			wanted, is := packet.(T)
			require.True(p.t, is, "got %v", packet)
			return wanted
		case <-time.After(time.Hour):
			require.Fail(p.t, "the client sent nothing")
		}
	}
}

// expectClosed waits for the client to close the connection and returns what it sent before.
func (p *peer) expectClosed() (before []packets.ControlPacket) {
	p.t.Helper()
	for {
		select {
		case packet, ok := <-p.got:
			if !ok {
				return before
			}
			before = append(before, packet)
		case <-time.After(time.Hour):
			require.Fail(p.t, "the client did not close the connection")
		}
	}
}

func (p *peer) acceptConnect(sessionPresent bool) *packets.ConnectPacket {
	p.t.Helper()
	connect := expect[*packets.ConnectPacket](p)
	p.write(&packets.ConnackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Connack}, SessionPresent: sessionPresent})
	return connect
}

func (p *peer) refuseConnect(code byte) {
	p.t.Helper()
	expect[*packets.ConnectPacket](p)
	p.write(&packets.ConnackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Connack}, ReturnCode: code})
	p.close()
}

// grantAll answers the four subscriptions of a client with all callbacks.
func (p *peer) grantAll() (granted map[string]byte) {
	p.t.Helper()
	granted = make(map[string]byte)
	for range 4 {
		subscribe := expect[*packets.SubscribePacket](p)
		granted[subscribe.Topics[0]] = subscribe.Qoss[0]
		p.grant(subscribe.MessageID, subscribe.Qoss[0])
	}
	return granted
}

func (p *peer) grant(id uint16, code byte) {
	p.t.Helper()
	p.write(&packets.SubackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Suback}, MessageID: id, ReturnCodes: []byte{code}})
}

// publish sends a PUBLISH as edgeHub does: at QoS 1 with packet id 1, always.
func (p *peer) publish(qos byte, topic, body string) {
	p.t.Helper()
	p.write(&packets.PublishPacket{
		FixedHeader: packets.FixedHeader{MessageType: packets.Publish, Qos: qos},
		TopicName:   topic, MessageID: 1, Payload: []byte(body),
	})
}

func (p *peer) input(name, body string, properties ...string) {
	p.t.Helper()
	topic := MessageTopic{DeviceID: "edge-1", ModuleID: "filter", Name: name}
	topic.Properties.Set(PropertySenderDevice, "edge-1")
	for i := 0; i < len(properties); i += 2 {
		topic.Properties.Set(properties[i], properties[i+1])
	}
	p.publish(1, topic.Input(), body)
}

func (p *peer) puback(id uint16) {
	p.t.Helper()
	p.write(&packets.PubackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Puback}, MessageID: id})
}

// harness is a running client with a record of its callbacks. Inputs are kept, not acknowledged.
type harness struct {
	*hub
	client  *Client
	clock   *testClock // the client's wall clock
	inputs  chan *Input
	desired chan string
	events  chan Event
	stop    func() // ends Run and waits for it
}

// run starts a client with all callbacks; change may adjust its configuration.
func run(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	h := &harness{
		hub:     newHub(t),
		clock:   &testClock{},
		inputs:  make(chan *Input, 1<<16),
		desired: make(chan string, 1<<10),
		events:  make(chan Event, 1<<16),
	}
	cfg := Config{
		Identity:  testIdentity(),
		OnInput:   func(in *Input) error { h.inputs <- in; return nil },
		OnDesired: func(patch []byte) { h.desired <- string(patch) },
		OnMethod:  func(context.Context, string, []byte) (int, []byte) { return 200, nil },
		OnEvent:   func(e Event) { h.events <- e },
	}
	if change != nil {
		change(&cfg)
	}
	client, err := New(cfg)
	require.NoError(t, err)
	client.dial, client.wall = h.hub.dial, h.clock.now
	h.client = client
	h.start(t)
	return h
}

func (h *harness) start(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan error, 1)
	go func() { finished <- h.client.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-finished)
	})
	t.Cleanup(h.stop)
}

// awaitEvent returns the next event of type T, passing over others.
func awaitEvent[T Event](h *harness) T {
	h.t.Helper()
	for {
		select {
		case e := <-h.events:
			if wanted, ok := e.(T); ok {
				return wanted
			}
		case <-time.After(24 * time.Hour):
			var wanted T
			require.Failf(h.t, "no event", "%T did not come", wanted)
		}
	}
}

// connected accepts a connection and waits until the client uses it.
func (h *harness) connected() *peer {
	h.t.Helper()
	p := h.accept()
	awaitEvent[Connected](h)
	return p
}

var errTest = errors.New("made by the test")
