package sim

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

const (
	// connectTimeout is how long a client may take for TLS and CONNECT (ConnectArrivalTimeout of edgeHub).
	connectTimeout = 60 * time.Second
	// silenceMax is what a client may be silent at most, and when it asked for no keep-alive (MaxKeepAliveTimeout of
	// edgeHub).
	silenceMax = 10 * time.Minute
	// clockSkew is how long edgeHub lets a token pass that has expired (SharedAccessSignatureConstants.cs).
	clockSkew     = 5 * time.Minute
	protocolName  = "\x00\x04MQTT"
	protocolLevel = 4 // MQTT 3.1.1; edgeHub knows no other
)

// refusal is a CONNACK that lets a client not in, and why.
type refusal struct {
	code byte
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(code byte, format string, args ...any) error {
	return &refusal{code: code, err: fmt.Errorf(format, args...)}
}

// connect reads the client's CONNECT and answers it. When it returns nil the client is its module's link.
func (c *connection) connect() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	packet, err := c.readConnect()
	if err == nil {
		c.peer, c.token, err = c.hub.admit(packet)
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		c.refuse(r.code)
	}
	if err != nil {
		return fmt.Errorf("read CONNECT: %w", err)
	}
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clear deadline: %w", err)
	}
	c.silence = silence(packet.Keepalive)
	c.password = string(packet.Password)
	c.password = string(packet.Password)
	c.alive()
	c.peer.attach(c, func() { c.greet(packet.CleanSession) })
	return nil
}

// greet answers CONNECT, with the session's subscriptions in place. The peer's lock is held.
func (c *connection) greet(clean bool) {
	if clean {
		c.peer.session = nil
	}
	present := c.peer.session != nil
	c.session = c.peer.session
	if !present {
		c.session = newSession()
	}
	if !clean {
		c.peer.session = c.session
	}
	c.hub.journal.append(c.peer.sessionRecord())
	c.out.add(func(b []byte) []byte { return appendConnack(b, present, packets.Accepted) })
	if _, ok := c.session.methods(); ok {
		c.peer.listens()
	}
	c.peer.log.Info().Bool("sessionPresent", present).Msg("module connected")
}

// refuse answers CONNECT with a code; the caller closes.
func (c *connection) refuse(code byte) {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
		_, _ = c.conn.Write(appendConnack(nil, false, code)) // a client that is gone need not hear it
	}
}

// readConnect reads a CONNECT. It looks at name and level of the protocol before the codec does: what follows them is
// another thing in another version.
func (c *connection) readConnect() (*packets.ConnectPacket, error) {
	first, length, err := peekHeader(c.reader)
	if err != nil {
		return nil, err
	}
	if first>>4 != packets.Connect || length < len(protocolName)+1 {
		return nil, fmt.Errorf("%w: first packet is no CONNECT", errProtocol)
	}
	header := 1 + len(appendLength(nil, length))
	start, err := c.reader.Peek(header + len(protocolName) + 1)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(start[header:], []byte(protocolName)) {
		return nil, fmt.Errorf("%w: unknown protocol name", errProtocol)
	}
	if level := start[len(start)-1]; level != protocolLevel {
		return nil, refuse(packets.ErrRefusedBadProtocolVersion, "protocol level %d, not 4 (MQTT 3.1.1)", level)
	}
	packet, err := readPacket(c.reader)
	if err != nil {
		return nil, err
	}
	connect := packet.(*packets.ConnectPacket) // the first byte said so
	if code := connect.Validate(); code != packets.Accepted {
		return nil, fmt.Errorf("%w: %w", errProtocol, packets.ConnErrors[code])
	}
	return connect, nil
}

// admit finds the module that a client says it is, checks that it may, and returns until when its token passes.
func (h *Hub) admit(packet *packets.ConnectPacket) (*peer, time.Time, error) {
	p, err := h.identify(packet)
	if err != nil {
		return nil, time.Time{}, err
	}
	expires, err := p.authorize(string(packet.Password))
	if err != nil {
		return nil, time.Time{}, refuse(packets.ErrRefusedNotAuthorised, "module %q: %w", p.name, err)
	}
	return p, expires, nil
}

func (h *Hub) identify(packet *packets.ConnectPacket) (*peer, error) {
	if h.refusing() {
		return nil, refuse(packets.ErrRefusedServerUnavailable, "refused on demand")
	}
	user, err := edgehub.ParseUsername(packet.Username)
	if err != nil { // edgeHub answers any exception so, and this is one
		return nil, refuse(packets.ErrRefusedServerUnavailable, "%w", err)
	}
	p, ok := h.peers[user.ModuleID]
	if !ok || user.DeviceID != deviceID {
		return nil, refuse(packets.ErrRefusedNotAuthorised, "no module %q on a device %q", user.ModuleID, user.DeviceID)
	}
	if want := edgehub.ClientID(deviceID, p.name); packet.ClientIdentifier != want {
		return nil, refuse(packets.ErrRefusedNotAuthorised, "client id %q is not %q", packet.ClientIdentifier, want)
	}
	return p, nil
}

// authorize checks a SAS token: for this module, of IoT Hub's name or of edgeHub's own, signed with its key, not
// expired; and returns until when edgeHub lets it pass.
func (p *peer) authorize(password string) (expires time.Time, err error) {
	token, err := edgehub.ParseSASToken(password)
	if err != nil {
		return time.Time{}, err
	}
	host, device, module, ok := token.Module()
	if !ok || !strings.EqualFold(host, iotHub) && !strings.EqualFold(host, gatewayHost) {
		return time.Time{}, fmt.Errorf("token is for host %q, neither %q nor %q", host, iotHub, gatewayHost)
	}
	if !strings.EqualFold(device, deviceID) || !strings.EqualFold(module, p.name) {
		return time.Time{}, fmt.Errorf("token is for module %q of device %q", module, device)
	}
	if p.isRevoked(password) {
		return time.Time{}, errTokenExpired
	}
	return time.Unix(token.Expires, 0).Add(clockSkew), token.Verify(p.key, time.Now().Add(-clockSkew))
}

// isRevoked tells whether a fault has expired a token.
func (p *peer) isRevoked(password string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.revoked == password
}

// silence is how long a client may be silent that asked for a keep-alive of so many seconds.
func silence(seconds uint16) time.Duration {
	limit := time.Duration(seconds) * time.Second * 3 / 2
	if limit == 0 || limit > silenceMax {
		return silenceMax
	}
	return limit
}
