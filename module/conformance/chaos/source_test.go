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
	oversize kind = "#" // with what a signal adds to it
)

// source sends numbered messages, one after the other, each until the hub has taken it.
type source struct {
	client *edgehub.Client
	next   chan kind // capacity 1: a special message that waits for its turn; one more waits for that
	pause  time.Duration
	sent   atomic.Int64 // the last number that the hub has taken
}

func newSource(environment map[string]string) (*source, error) {
	identity, err := edgehub.IdentityFromEnvironment(func(name string) string { return environment[name] })
	if err != nil {
		return nil, err
	}
	client, err := edgehub.New(edgehub.Config{Identity: identity, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second})
	if err != nil {
		return nil, err
	}
	return &source{client: client, next: make(chan kind, 1), pause: 10 * time.Millisecond}, nil
}

// run sends until ctx ends, and returns when the last message has been taken, or at the latest when open ends.
func (s *source) run(ctx, open context.Context) {
	for n := int64(1); ctx.Err() == nil; n++ {
		message := newMessage(n, s.kind())
		for s.publish(open, message) != nil {
			if s.client.WaitConnected(open) != nil {
				return
			}
		}
		s.sent.Store(n)
		select {
		case <-time.After(s.pause):
		case <-ctx.Done():
		}
	}
}

func (s *source) kind() kind {
	select {
	case k := <-s.next:
		return k
	default:
		return plain
	}
}

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
	if k == oversize {
		body += strings.Repeat(" ", 261_900-len(body))
	}
	return edgehub.Message{Body: []byte(body), Properties: edgehub.Properties{{Name: edgehub.PropertyMessageID, Value: fmt.Sprint("m", n)}}}
}
