package edgehub

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roughHub is a server on loopback TLS that takes connections away at random, keeps a few inputs under way,
// and answers everything else. The newest connection wins, as with edgeHub.
type roughHub struct {
	t        *testing.T
	listener net.Listener
	tasks    sync.WaitGroup

	mu     sync.Mutex
	newest net.Conn
	stored map[string]bool // bodies that were acknowledged
	excess error           // a PUBACK too many
}

func (h *roughHub) run() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		if h.newest != nil && rand.N(2) == 0 {
			_ = h.newest.Close()
		}
		h.newest = conn
		h.mu.Unlock()
		h.tasks.Go(func() { h.serve(conn) })
	}
}

func (h *roughHub) serve(conn net.Conn) {
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
	unacked, lastInput, life := 0, 0, 50+rand.N(200_000)
	for n := 0; n < life; n++ {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		packet, err := packets.ReadPacket(in)
		if err != nil {
			return
		}
		switch p := packet.(type) {
		case *packets.DisconnectPacket:
			return
		case *packets.ConnectPacket:
			_ = packets.NewControlPacket(packets.Connack).Write(out)
			continue
		case *packets.SubscribePacket:
			_ = (&packets.SubackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Suback}, MessageID: p.MessageID, ReturnCodes: p.Qoss}).Write(out)
		case *packets.PublishPacket:
			h.store(p, out)
		case *packets.PubackPacket:
			if unacked--; unacked < 0 {
				h.mu.Lock()
				h.excess = fmt.Errorf("PUBACK for nothing, id %d", p.MessageID)
				h.mu.Unlock()
			}
		}
		for ; unacked < 8; unacked++ {
			lastInput++
			topic := MessageTopic{DeviceID: "edge-1", ModuleID: "filter", Name: "in"}.Input()
			_ = (&packets.PublishPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Publish, Qos: 1}, TopicName: topic, MessageID: 1, Payload: fmt.Append(nil, lastInput)}).Write(out)
		}
	}
}

func (h *roughHub) store(p *packets.PublishPacket, out *bufio.Writer) {
	if rid, ok := ParseTwinGetTopic(p.TopicName); ok {
		topic := TwinResponseTopic(200, rid)
		_ = (&packets.PublishPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Publish}, TopicName: topic, Payload: []byte("{}")}).Write(out)
		return
	}
	h.mu.Lock()
	h.stored[string(p.Payload)] = true
	h.mu.Unlock()
	_ = (&packets.PubackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Puback}, MessageID: p.MessageID}).Write(out)
}

// TestHammer has many goroutines use a client whose connections come and go, with renewals in between.
func TestHammer(t *testing.T) {
	certificate, _ := authority()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	require.NoError(t, err)
	h := &roughHub{t: t, listener: listener, stored: make(map[string]bool)}
	h.tasks.Go(h.run)

	type arrival struct {
		connection uint64
		body       string
	}
	var arrived []arrival // OnInput is called by one goroutine at a time
	var connections, renewals atomic.Int64
	acks := make(chan *Input, 64)
	id := testIdentity()
	id.Gateway = listener.Addr().String()
	client, err := New(Config{
		Identity: id, TokenTTL: time.Second, BackoffMin: time.Millisecond, BackoffMax: 2 * time.Millisecond, MaxUnacked: 64,
		OnInput: func(in *Input) error {
			arrived = append(arrived, arrival{in.Connection, string(in.Body)})
			acks <- in
			return nil
		},
		OnEvent: func(e Event) {
			if connected, ok := e.(Connected); ok {
				connections.Add(1)
				if connected.Renewal {
					renewals.Add(1)
				}
			}
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan error, 1)
	go func() { finished <- client.Run(ctx) }()

	var users sync.WaitGroup
	users.Go(func() { acknowledge(acks) })
	deadline := time.Now().Add(3 * time.Second)
	for g := range 4 {
		users.Go(func() { hammerPublish(t, h, client, g, deadline) })
	}
	users.Go(func() {
		for time.Now().Before(deadline) {
			if _, err := client.Twin(ctx); err != nil {
				_ = client.WaitConnected(ctx)
			}
		}
	})
	time.AfterFunc(time.Until(deadline), cancel)
	assert.NoError(t, <-finished)
	close(acks)
	users.Wait()
	_ = listener.Close()
	h.tasks.Wait()

	assert.NoError(t, h.excess)
	assert.Greater(t, connections.Load(), int64(2))
	last := make(map[uint64]int)
	for _, a := range arrived {
		last[a.connection]++
		require.Equal(t, fmt.Sprint(last[a.connection]), a.body, "inputs of a connection come in order")
	}
	t.Logf("%d connections, %d of them renewals, %d inputs, %d publishes stored", connections.Load(), renewals.Load(), len(arrived), len(h.stored))
}

// acknowledge takes inputs in any order, many of them twice.
func acknowledge(inputs <-chan *Input) {
	var held []*Input
	for {
		select {
		case in, ok := <-inputs:
			if !ok {
				return
			}
			held = append(held, in)
			held[rand.N(len(held))].Ack()
		case <-time.After(time.Millisecond): // the server waits for those that came first
			for _, i := range rand.Perm(len(held)) {
				held[i].Ack()
			}
			held = held[:0]
		}
	}
}

// hammerPublish publishes until the deadline and checks that each publish is done once, in order, and not
// acknowledged unless the server has it.
func hammerPublish(t *testing.T, h *roughHub, client *Client, g int, deadline time.Time) {
	var published, finished int // finished is written by done functions, one at a time
	var pending sync.WaitGroup
	for time.Now().Before(deadline) {
		number := published + 1
		body := fmt.Sprintf("%d-%d", g, number)
		pending.Add(1)
		err := client.Publish(context.Background(), "out", text(body), func(err error) {
			defer pending.Done()
			finished++
			if finished != number {
				t.Errorf("done of %s is call %d", body, finished)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if err == nil && !h.stored[body] {
				t.Errorf("%s is done but was never stored", body)
			}
		})
		if err == nil {
			published++
			continue
		}
		pending.Done()
		if !errors.Is(err, ErrNotConnected) {
			t.Errorf("publish: %v", err)
		}
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		_ = client.WaitConnected(ctx)
		cancel()
	}
	pending.Wait()
	assert.Equal(t, published, finished)
}
