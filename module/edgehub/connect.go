package edgehub

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Packets without content.
const (
	pingreq    = "\xC0\x00"
	disconnect = "\xE0\x00"
)

// connack and suback are what the two packets say.
type connack struct {
	sessionPresent bool
	code           byte
}

type suback struct {
	packetID uint16
	code     byte // the granted QoS, or 0x80
}

// subscription is a topic filter and the QoS at which edgeHub is to deliver.
type subscription struct {
	filter string
	qos    byte
}

// wanted lists the subscriptions. Inputs come at QoS 1 and all else at QoS 0: edgeHub matches
// acknowledgements by order over everything that it sends at QoS 1, and inputs are acknowledged late.
func (c *Client) wanted() []subscription {
	id := c.cfg.Identity
	list := []subscription{{TwinResponseFilter, 0}}
	if c.cfg.OnDesired != nil {
		list = append(list, subscription{DesiredFilter, 0})
	}
	if c.cfg.OnMethod != nil {
		list = append(list, subscription{MethodsFilter, 0})
	}
	if c.cfg.OnInput != nil {
		list = append(list, subscription{InputsFilter(id.DeviceID, id.ModuleID), 1})
	}
	return list
}

// connectPacket makes the CONNECT. The session is kept by edgeHub: with a clean one it may lose inputs
// between taking the subscription and acting on it.
func (c *Client) connectPacket(password string) (string, error) {
	id := c.cfg.Identity
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion = "MQTT", 4
	connect.CleanSession = false
	connect.Keepalive = uint16(math.Ceil(c.cfg.KeepAlive.Seconds()))
	connect.ClientIdentifier = ClientID(id.DeviceID, id.ModuleID)
	connect.UsernameFlag, connect.PasswordFlag = true, true
	connect.Username = Username{IoTHub: id.IoTHub, DeviceID: id.DeviceID, ModuleID: id.ModuleID, ProductInfo: c.cfg.ProductInfo}.Encode()
	connect.Password = []byte(password)
	return encode(connect)
}

// subscribe sends one SUBSCRIBE for each filter, as the official SDKs do, and waits for what is granted.
func (c *connection) subscribe(ctx context.Context) error {
	wanted := c.client.subscriptions
	for i, s := range wanted {
		subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
		// No publish is under way yet, so that its ids are free.
		subscribe.MessageID = uint16(i + 1)
		subscribe.Topics, subscribe.Qoss = []string{s.filter}, []byte{s.qos}
		packet, err := encode(subscribe)
		if err != nil {
			return err
		}
		c.send(packet)
	}
	for range wanted {
		answer, err := await(ctx, c, c.granted)
		if err != nil {
			return fmt.Errorf("wait for SUBACK: %w", err)
		}
		if i := int(answer.packetID) - 1; i < 0 || i >= len(wanted) {
			return fmt.Errorf("%w: SUBACK for unknown packet id %d", errProtocol, answer.packetID)
		} else if answer.code != wanted[i].qos {
			return fmt.Errorf("subscribe to %q: edgeHub granted %#x instead of QoS %d", wanted[i].filter, answer.code, wanted[i].qos)
		}
	}
	return nil
}

func encode(p packets.ControlPacket) (string, error) {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return "", fmt.Errorf("encode %s: %w", p, err)
	}
	return b.String(), nil
}
