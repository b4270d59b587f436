package sim

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// Observer is told what happens at the hub. Every function may be nil. One call is made at a time, in the order in
// which things happened; a function must not block and must not call the hub.
type Observer struct {
	// Upstream is called for each message that reaches $upstream.
	Upstream func(Upstream)
	// Reported is called with a module's whole reported properties, without $version, after each change.
	Reported func(module string, version int64, properties json.RawMessage)
	// Desired is called with a module's whole desired properties, without $version, after each change.
	Desired func(module string, version int64, properties json.RawMessage)
	// Connected is called when a module has a connection, and for the simulated ones when they start.
	Connected func(module string)
	// Disconnected is called when that ends, with the reason.
	Disconnected func(module string, err error)
	// Fault is called for each fault that [Hub.Fault] makes.
	Fault func(Fault)
}

// Fault is a fault that was made.
type Fault struct {
	Text   string // the words that asked for it
	Module string // whom it is about, where it is about one
	Time   time.Time
}

// Upstream is a message on its way to IoT Hub. It must not be changed.
type Upstream struct {
	Module  string // who sent it
	Output  string // to which output, "" for none
	Message edgehub.Message
	Time    time.Time // of its arrival at the hub
}

// observation makes the calls of an Observer one at a time.
type observation struct {
	mu       sync.Mutex
	observer Observer
}

func (o *observation) upstream(m Upstream) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.observer.Upstream != nil {
		o.observer.Upstream(m)
	}
}

func (o *observation) fault(f Fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.observer.Fault != nil {
		o.observer.Fault(f)
	}
}

func (o *observation) reported(module string, s section) {
	o.properties(o.observer.Reported, module, s)
}

func (o *observation) desired(module string, s section) { o.properties(o.observer.Desired, module, s) }

func (o *observation) properties(tell func(string, int64, json.RawMessage), module string, s section) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if tell != nil {
		tell(module, s.version, encode(s.properties))
	}
}

func (o *observation) connected(module string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.observer.Connected != nil {
		o.observer.Connected(module)
	}
}

func (o *observation) disconnected(module string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.observer.Disconnected != nil {
		o.observer.Disconnected(module, err)
	}
}
