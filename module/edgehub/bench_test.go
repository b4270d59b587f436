package edgehub

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/require"
)

// benchHub is a server on loopback TLS that costs as little as it can: it acknowledges everything, and
// keeps window inputs under way.
type benchHub struct {
	listener net.Listener
	window   int
	input    []byte // a PUBLISH to send; nil for none
}

func newBenchHub(b *testing.B, window int, input []byte) *benchHub {
	b.Helper()
	certificate, _ := authority()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	require.NoError(b, err)
	h := &benchHub{listener: listener, window: window, input: input}
	served := make(chan struct{})
	go func() { defer close(served); h.serve() }()
	b.Cleanup(func() { _ = listener.Close(); <-served })
	return h
}

func (h *benchHub) serve() {
	conn, err := h.listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		if h.answer(in, out) != nil {
			return
		}
	}
}

func (h *benchHub) answer(in *bufio.Reader, out *bufio.Writer) error {
	header, err := in.ReadByte()
	if err != nil {
		return err
	}
	length, err := binary.ReadUvarint(in) // MQTT's lengths are such
	if err != nil {
		return err
	}
	body, err := in.Peek(int(length))
	if err != nil {
		return err
	}
	switch header >> 4 {
	case packets.Connect:
		_, _ = out.WriteString("\x20\x02\x00\x00")
	case packets.Subscribe:
		_, _ = out.Write([]byte{0x90, 3, body[0], body[1], body[length-1]})
		for n := 0; h.input != nil && body[length-1] == 1 && n < h.window; n++ {
			_, _ = out.Write(h.input)
		}
	case packets.Publish:
		topic := binary.BigEndian.Uint16(body)
		_, _ = out.Write([]byte{0x40, 2, body[2+topic], body[3+topic]})
	case packets.Puback:
		_, _ = out.Write(h.input)
	}
	_, err = in.Discard(int(length))
	return err
}

// runBench starts a client of h.
func runBench(b *testing.B, h *benchHub, onInput func(*Input) error) *Client {
	b.Helper()
	id := testIdentity()
	id.Gateway = h.listener.Addr().String()
	client, err := New(Config{Identity: id, OnInput: onInput})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan error, 1)
	go func() { finished <- client.Run(ctx) }()
	b.Cleanup(func() { cancel(); require.NoError(b, <-finished) })
	require.NoError(b, client.WaitConnected(b.Context()))
	return client
}

func benchMessage() Message {
	return Message{Body: make([]byte, 146), Properties: properties(
		"$.mid", "01JABCDEFGHJKMNPQRSTVWXYZ0", "$.ct", "application/json", "$.ce", "utf-8", "signal", "machineTemperature")}
}

// BenchmarkPublish measures from Publish to done, with so many publishes under way from one goroutine.
func BenchmarkPublish(b *testing.B) {
	for _, window := range []int{1, 256} {
		b.Run(fmt.Sprintf("inFlight=%d", window), func(b *testing.B) {
			client := runBench(b, newBenchHub(b, 0, nil), nil)
			m := benchMessage()
			slots := make(chan struct{}, window)
			done := func(error) { <-slots }
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Body)))
			for b.Loop() {
				slots <- struct{}{}
				if err := client.Publish(b.Context(), "alerts", m, done); err != nil {
					b.Fatal(err)
				}
			}
			for range window {
				slots <- struct{}{} // until the last is done
			}
		})
	}
}

// BenchmarkSend measures many goroutines that each wait for their own PUBACK.
func BenchmarkSend(b *testing.B) {
	client := runBench(b, newBenchHub(b, 0, nil), nil)
	m := benchMessage()
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := client.Send(b.Context(), "alerts", m); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkInput measures from PUBLISH to PUBACK, with so many inputs under way.
func BenchmarkInput(b *testing.B) {
	topic := MessageTopic{DeviceID: "edge-1", ModuleID: "filter", Name: "sensors", Properties: properties(
		"$.cdid", "edge-1", "$.cmid", "tempSensor", "$.ct", "application/json", "$.ce", "utf-8", "sequenceNumber", "17", "batchId", "b")}
	input := appendRequest(nil, topic.Input(), append([]byte{0, 1}, make([]byte, 146)...))
	input[0] |= 1 << 1 // QoS 1, with packet id 1 in front of the body
	for _, window := range []int{1, 64} {
		b.Run(fmt.Sprintf("inFlight=%d", window), func(b *testing.B) {
			arrived := make(chan *Input, window)
			runBench(b, newBenchHub(b, window, input), func(in *Input) error { arrived <- in; return nil })
			b.ReportAllocs()
			for b.Loop() {
				(<-arrived).Ack()
			}
		})
	}
}

// BenchmarkReadInput is the input path alone: parse, callback, PUBACK.
func BenchmarkReadInput(b *testing.B) {
	topic := MessageTopic{DeviceID: "edge-1", ModuleID: "filter", Name: "sensors", Properties: properties(
		"$.cdid", "edge-1", "$.cmid", "tempSensor", "$.ct", "application/json", "$.ce", "utf-8", "sequenceNumber", "17", "batchId", "b")}
	raw := appendRequest(nil, topic.Input(), append([]byte{0, 1}, make([]byte, 146)...))
	raw[0] |= 1 << 1
	client := testClient(b)
	client.cfg.OnInput = func(in *Input) error { in.Ack(); return nil }
	c := &connection{client: client, number: 1, acks: newAcks(), wake: make(chan struct{}, 1)}
	reader := newPacketReader(&endless{data: raw})
	b.ReportAllocs()
	for b.Loop() {
		pk, err := reader.next()
		if err != nil {
			b.Fatal(err)
		}
		if err := c.handle(pk); err != nil {
			b.Fatal(err)
		}
		c.pending = c.pending[:0]
	}
}

// endless reads the same bytes again and again.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.at == len(e.data) {
		e.at = 0
	}
	n := copy(b, e.data[e.at:])
	e.at += n
	return n, nil
}

var _ io.Reader = (*endless)(nil)
