//go:build cgo

package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// kind is what is special about a message, to some of the guests.
type kind string

// The kinds. What the body starts with tells guests, and the number that follows tells the account.
const (
	plain    kind = ""
	poison   kind = "!"
	heavy    kind = "~"
	bulky    kind = "=" // large, but not too large
	oversize kind = "#" // with what a signal adds to it
)

// What bounds the stream: the pause between two messages, and how many may be sent of which nothing has come yet. Faults keep
// the module away for much of the time, and edgeHub for longer: it waits for up to a minute before it tries again.
const (
	pause   = 10 * time.Millisecond
	backlog = 2000
)

// source sends numbered messages, one after the other, each until the hub has taken it.
type source struct {
	client  *edgehub.Client
	backlog int          // how many messages may be sent of which something is still to come
	settled func() int   // of how many messages something has come in every chain
	next    chan kind    // capacity 1: a special message that waits for its turn; one more waits for that
	sent    atomic.Int64 // the last number that the hub has taken
}

func newSource(environment map[string]string, settled func() int) (*source, error) {
	identity, err := edgehub.IdentityFromEnvironment(func(name string) string { return environment[name] })
	if err != nil {
		return nil, err
	}
	client, err := edgehub.New(edgehub.Config{Identity: identity, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second})
	if err != nil {
		return nil, err
	}
	return &source{client: client, backlog: backlog, settled: settled, next: make(chan kind, 1)}, nil
}

// run sends until ctx ends, and one message after that; it returns when the hub has taken it, or at the latest when open ends.
func (s *source) run(ctx, open context.Context) {
	for n := int64(1); ; n++ {
		k := s.wait(ctx)
		last := ctx.Err() != nil
		for message := newMessage(n, k); s.publish(open, message) != nil; {
			if s.client.WaitConnected(open) != nil {
				return
			}
		}
		s.sent.Store(n)
		if last {
			return
		}
	}
}

// wait returns what to send next: something special at once, else a plain message after a pause, once the backlog permits it.
func (s *source) wait(ctx context.Context) kind {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case k := <-s.next:
			return k
		case <-ctx.Done():
			return plain
		case <-ticker.C:
			if s.room() {
				return plain
			}
		}
	}
}

// room reports whether the backlog permits another message.
func (s *source) room() bool { return int(s.sent.Load())-s.settled() < s.backlog }

// publish returns when the hub has taken the message, or the connection has ended.
func (s *source) publish(ctx context.Context, m edgehub.Message) error {
	done := make(chan error, 1) // the one answer
	if err := s.client.Publish(ctx, "out", m, func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newMessage(n int64, k kind) edgehub.Message {
	body := fmt.Sprintf(`%s{"n":%d}`, k, n)
	switch k {
	case bulky:
		body += strings.Repeat(" ", 200_000-len(body))
	case oversize:
		body += strings.Repeat(" ", 261_900-len(body))
	}
	return edgehub.Message{Body: []byte(body), Properties: edgehub.Properties{{Name: edgehub.PropertyMessageID, Value: fmt.Sprint("m", n)}}}
}
