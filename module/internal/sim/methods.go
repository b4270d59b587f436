package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// methodTimeout is how long a module may take for its answer where the caller names nothing else.
	methodTimeout = 30 * time.Second
	// methodSettling is how long edgeHub holds back the calls that have waited for a module to subscribe
	// (InvokeMethodHandler.cs).
	methodSettling = 3 * time.Second
	methodNameMax  = 100       // characters
	methodBodyMax  = 128 << 10 // bytes of a payload

	statusNotReachable = 404
	statusNoAnswer     = 504
	// statusUnreadable is what edgeHub makes of an answer whose status is no number (DeviceMessageHandler.cs).
	statusUnreadable = 400000
)

// Why a direct method came to nothing. Invoke wraps them.
var (
	// ErrNotReachable comes with status 404: the module is not connected or does not listen for direct methods.
	ErrNotReachable = errors.New("module is not connected or does not listen for direct methods")
	// ErrNoAnswer comes with status 504: the module did not answer in time, or the hub closed its connection.
	ErrNoAnswer = errors.New("module did not answer")
)

// methodRequest is a call of a direct method.
type methodRequest struct {
	name              string
	payload           []byte // JSON
	connect, response time.Duration
}

// call is a direct method that waits for its answer over the link on which it was sent.
type call struct {
	link  link
	reply chan answer // of capacity 1: who answers does not wait; closed where no answer is to come
}

// answer is what a module makes of a direct method.
type answer struct {
	status int
	body   []byte
}

// Invoke calls a direct method of a module, as from the cloud, and waits for its answer: until ctx ends, 30 s at most.
// The payload is JSON; none is sent as null. An answer is no error, whatever its status says.
func (h *Hub) Invoke(ctx context.Context, module, method string, payload []byte) (status int, response []byte, err error) {
	p, err := h.peer(module)
	if err == nil && payload == nil {
		payload = []byte("null")
	}
	r := methodRequest{name: method, payload: payload, response: methodTimeout}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return 0, nil, fmt.Errorf("invoke method %q: %w", method, err)
	}
	a, err := p.invoke(ctx, newUUID(), r)
	if err != nil {
		return a.status, nil, fmt.Errorf("invoke method %q of module %q: %w", method, module, err)
	}
	return a.status, a.body, nil
}

// check applies the limits of edgeHub (MethodRequestValidator.cs). A name goes into a topic unescaped.
func (r methodRequest) check() error {
	switch {
	case r.payload != nil && !json.Valid(r.payload):
		return errors.New("payload is not JSON")
	case len(r.payload) > methodBodyMax:
		return fmt.Errorf("payload of %d bytes, at most %d are possible", len(r.payload), methodBodyMax)
	case strings.TrimSpace(r.name) == "" || characters(r.name) > methodNameMax || strings.ContainsAny(r.name, "/?#+\x00"):
		return errors.New("not a name for a method")
	case r.connect < 0 || r.connect > 5*time.Minute:
		return errors.New("connect timeout is not within 0 and 300 seconds")
	case r.response < 5*time.Second || r.response > 5*time.Minute:
		return errors.New("response timeout is not within 5 and 300 seconds")
	}
	return nil
}

// invoke calls a method and waits for its answer. A module that is not there is waited for as long as the request
// says. The status comes with an error too.
func (p *peer) invoke(ctx context.Context, rid string, r methodRequest) (answer, error) {
	if c := p.call(rid, r); c != nil {
		return p.await(ctx, rid, c, r.response)
	}
	connecting, stop := context.WithTimeout(ctx, r.connect)
	defer stop()
	for p.settled(connecting) {
		if c := p.call(rid, r); c != nil {
			defer func() { <-p.turn }()
			return p.await(ctx, rid, c, r.response)
		}
		<-p.turn
	}
	return answer{status: statusNotReachable}, ErrNotReachable
}

// settled waits until the module has subscribed to methods, has had time to settle, and it is the caller's turn: what
// has waited goes to the module one after the other. The caller gives p.turn back.
func (p *peer) settled(ctx context.Context) bool {
	select {
	case <-p.subscription():
	case <-ctx.Done():
		return false
	case <-p.hub.stopped:
		return false
	}
	select {
	case <-time.After(methodSettling):
	case <-ctx.Done():
		return false
	}
	select {
	case p.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// subscription returns a channel that closes when the module subscribes to methods the next time.
func (p *peer) subscription() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listening
}

// listens lets go of those who wait for the module to subscribe to methods. The peer's lock is held.
func (p *peer) listens() {
	close(p.listening)
	p.listening = make(chan struct{})
}

// await waits for the answer to a call that was sent.
func (p *peer) await(ctx context.Context, rid string, c *call, timeout time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case a, ok := <-c.reply:
		if ok {
			return a, nil
		}
	case <-ctx.Done():
	case <-p.hub.stopped:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, rid)
	return answer{status: statusNoAnswer}, ErrNoAnswer
}

// call sends a method's request and returns what waits for the answer, nil if the module is not there to take it.
func (p *peer) call(rid string, r methodRequest) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil {
		return nil
	}
	c := &call{link: p.link, reply: make(chan answer, 1)}
	p.calls[rid] = c
	if !p.link.request(rid, r.name, r.payload) {
		delete(p.calls, rid)
		return nil
	}
	return c
}

// respond hands the answer that came over l to whoever waits for it. Like edgeHub it says nothing of one that nobody
// waits for, or that comes over another connection than its request went.
func (p *peer) respond(l link, rid string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer(l, rid, a)
}

func (p *peer) answer(l link, rid string, a answer) {
	rid = strings.ToLower(rid)
	if c, ok := p.calls[rid]; ok && c.link == l {
		delete(p.calls, rid)
		c.reply <- a
	}
}

// abandon ends the calls that were sent over l. The peer's lock is held.
func (p *peer) abandon(l link) {
	for rid, c := range p.calls {
		if c.link == l {
			delete(p.calls, rid)
			close(c.reply)
		}
	}
}

// parseMethodResponse reads what follows "$iothub/methods/res/": "{status}/?$rid={rid}". What is not of this form
// edgeHub acknowledges and throws away.
func parseMethodResponse(rest string, body []byte) (rid string, a answer, ok bool) {
	text, rest, _ := strings.Cut(rest, "/")
	rid, ok = strings.CutPrefix(rest, "?$rid=")
	status, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return rid, answer{status: statusUnreadable}, ok
	}
	return rid, answer{status: int(status), body: body}, ok
}
