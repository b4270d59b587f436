package sim

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// patience is how long a test waits for what must come. bubblePatience is the same in a time that costs nothing, and
// longer than any that the hub keeps.
const (
	patience       = 10 * time.Second
	bubblePatience = time.Hour
)

// client is an MQTT client that does nothing by itself.
type client struct {
	t        testing.TB
	conn     net.Conn
	reader   *bufio.Reader
	patience time.Duration
}

func newClient(t testing.TB, conn net.Conn, patience time.Duration) *client {
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, reader: bufio.NewReader(conn), patience: patience}
}

// dial opens a TLS connection to the hub as a module would that trusts its bundle.
func dial(t testing.TB, h *Hub) *client {
	t.Helper()
	pem, err := os.ReadFile(h.caFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	conn, err := tls.Dial("tcp", h.listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: gatewayHost})
	require.NoError(t, err)
	return newClient(t, conn, patience)
}

// connectPacket is a CONNECT that the hub accepts.
func connectPacket(h *Hub, module string) *packets.ConnectPacket {
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion = "MQTT", 4
	p.Keepalive = 60
	p.ClientIdentifier = edgehub.ClientID(deviceID, module)
	p.UsernameFlag, p.PasswordFlag = true, true
	p.Username = edgehub.Username{IoTHub: iotHub, DeviceID: deviceID, ModuleID: module}.Encode()
	p.Password = []byte(token(iotHub, deviceID, module, h.peers[module].key, time.Now().Add(time.Hour)))
	return p
}

func token(host, device, module string, key []byte, expires time.Time) string {
	t := edgehub.NewSASToken(host, device, module, expires)
	t.Sign(key)
	return t.Encode()
}

// connect opens a session of a module and returns whether the hub had it already.
func connect(t testing.TB, h *Hub, module string) (c *client, sessionPresent bool) {
	t.Helper()
	c = dial(t, h)
	return c, c.connect(connectPacket(h, module))
}

// connect sends a CONNECT that the hub accepts and returns whether it had the session already.
func (c *client) connect(p *packets.ConnectPacket) (sessionPresent bool) {
	c.t.Helper()
	c.send(p)
	ack := c.connack()
	require.EqualValues(c.t, packets.Accepted, ack.ReturnCode)
	return ack.SessionPresent
}

// join opens a session of a module and subscribes to all that a module subscribes to.
func join(t testing.TB, h *Hub, module string) *client {
	t.Helper()
	c, _ := connect(t, h, module)
	c.subscribeAll(module)
	return c
}

func (c *client) subscribeAll(module string) {
	c.t.Helper()
	c.subscribe(0, edgehub.TwinResponseFilter, edgehub.DesiredFilter, edgehub.MethodsFilter)
	c.subscribe(1, edgehub.InputsFilter(deviceID, module)) // last: what waits comes at once
}

func (c *client) send(p packets.ControlPacket) {
	c.t.Helper()
	require.NoError(c.t, p.Write(c.conn))
}

func (c *client) write(bytes ...byte) {
	c.t.Helper()
	_, err := c.conn.Write(bytes)
	require.NoError(c.t, err)
}

// receive returns the next packet.
func (c *client) receive() packets.ControlPacket {
	c.t.Helper()
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(c.patience)))
	p, err := packets.ReadPacket(c.reader)
	require.NoError(c.t, err)
	return p
}

func next[P packets.ControlPacket](c *client) P {
	c.t.Helper()
	packet := c.receive()
	p, ok := packet.(P)
	require.True(c.t, ok, "received %v", packet)
	return p
}

func (c *client) connack() *packets.ConnackPacket {
	c.t.Helper()
	return next[*packets.ConnackPacket](c)
}

func (c *client) published() *packets.PublishPacket {
	c.t.Helper()
	return next[*packets.PublishPacket](c)
}

func (c *client) puback() uint16 { c.t.Helper(); return next[*packets.PubackPacket](c).MessageID }

// nothing asserts that nothing comes: what is sent in answer to a PINGREQ is the answer to it.
func (c *client) nothing() {
	c.t.Helper()
	c.send(packets.NewControlPacket(packets.Pingreq))
	next[*packets.PingrespPacket](c)
}

// closed asserts that the hub closes the connection without another word.
func (c *client) closed() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience)) // a pipe that is closed already takes none
	p, err := packets.ReadPacket(c.reader)
	require.Error(c.t, err, "received %v", p)
	var timeout net.Error
	require.False(c.t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
}

func (c *client) subscribe(qos byte, filters ...string) {
	c.t.Helper()
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID = 7
	for _, filter := range filters {
		p.Topics, p.Qoss = append(p.Topics, filter), append(p.Qoss, qos)
	}
	c.send(p)
	require.EqualValues(c.t, 7, next[*packets.SubackPacket](c).MessageID)
}

func (c *client) publish(qos byte, id uint16, topic, body string) {
	c.t.Helper()
	c.send(publishPacket(qos, id, topic, body))
}

func publishPacket(qos byte, id uint16, topic, body string) *packets.PublishPacket {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.Qos, p.MessageID, p.TopicName, p.Payload = qos, id, topic, []byte(body)
	return p
}

// ack acknowledges whatever the hub sent first and has no acknowledgement for.
func (c *client) ack() {
	c.t.Helper()
	p := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
	p.MessageID = packetID
	c.send(p)
}

func (c *client) disconnect() {
	c.t.Helper()
	c.send(packets.NewControlPacket(packets.Disconnect))
	c.closed()
	c.conn.Close()
}

// cut ends the connection without DISCONNECT.
func (c *client) cut() { c.conn.Close() }

// output is the topic of a message to an output.
func output(module, name string, properties ...struct{ Name, Value string }) string {
	return edgehub.MessageTopic{DeviceID: deviceID, ModuleID: module, Name: name, Properties: properties}.Output()
}
