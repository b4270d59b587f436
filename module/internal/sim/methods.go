package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// methodTimeout is how long a direct method may take where the caller's context says nothing shorter.
	methodTimeout = 30 * time.Second
	methodNameMax = 100       // bytes
	methodBodyMax = 128 << 10 // bytes of a payload

	statusNotReachable = 404
	statusNoAnswer     = 504
)

// Why a direct method came to nothing. Invoke wraps them.
var (
	// ErrNotReachable comes with status 404: the module is not connected or does not listen for direct methods.
	ErrNotReachable = errors.New("module is not connected or does not listen for direct methods")
	// ErrNoAnswer comes with status 504: the module did not answer in time, or its connection ended.
	ErrNoAnswer = errors.New("module did not answer")
)

// answer is what a module makes of a direct method.
type answer struct {
	status int
	body   []byte
}

// Invoke calls a direct method of a module and waits for its answer: until ctx ends, 30 s at most. The payload is
// JSON; none is sent as null. An answer is no error, whatever its status says.
func (h *Hub) Invoke(ctx context.Context, module, method string, payload []byte) (status int, response []byte, err error) {
	p, err := h.peer(module)
	if err == nil {
		payload, err = checkMethod(method, payload)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("invoke method %q: %w", method, err)
	}
	rid := newID()
	reply := make(chan answer, 1) // of capacity 1: who answers does not wait
	if !p.call(rid, method, payload, reply) {
		return statusNotReachable, nil, fmt.Errorf("invoke method %q of module %q: %w", method, module, ErrNotReachable)
	}
	ctx, cancel := context.WithTimeout(ctx, methodTimeout)
	defer cancel()
	select {
	case a, ok := <-reply:
		if ok {
			return a.status, a.body, nil
		}
	case <-ctx.Done():
		p.hangUp(rid)
	}
	return statusNoAnswer, nil, fmt.Errorf("invoke method %q of module %q: %w", method, module, ErrNoAnswer)
}

// checkMethod applies the limits of edgeHub (MethodRequestValidator.cs). A name goes into a topic unescaped.
func checkMethod(name string, payload []byte) ([]byte, error) {
	switch {
	case payload == nil:
		payload = []byte("null")
	case !json.Valid(payload):
		return nil, errors.New("payload is not JSON")
	case len(payload) > methodBodyMax:
		return nil, fmt.Errorf("payload of %d bytes, at most %d are possible", len(payload), methodBodyMax)
	}
	if name == "" || len(name) > methodNameMax || strings.ContainsAny(name, "/?#+\x00") {
		return nil, errors.New("not a name for a method")
	}
	return payload, nil
}

// call sends a method's request and reports whether the module is there to take it.
func (p *peer) call(rid, method string, payload []byte, reply chan<- answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil {
		return false
	}
	p.calls[rid] = reply
	if p.link.request(rid, method, payload) {
		return true
	}
	delete(p.calls, rid)
	return false
}

// respond hands an answer to whoever waits for it. Like edgeHub it says nothing of one that nobody waits for.
func (p *peer) respond(rid string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer(rid, a)
}

func (p *peer) answer(rid string, a answer) {
	if reply, ok := p.calls[rid]; ok {
		delete(p.calls, rid)
		reply <- a
	}
}

// hangUp forgets a call that nobody waits for any more.
func (p *peer) hangUp(rid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, rid)
}
