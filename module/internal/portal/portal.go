package portal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Hub is what the portal needs of the simulated Edge Hub; *sim.Hub is one.
type Hub interface {
	Stats() sim.Stats
	Desired(module string) (json.RawMessage, int64)
	Reported(module string) (json.RawMessage, int64)
	PatchDesired(module string, patch []byte) (version int64, err error)
	ReplaceDesired(module string, document []byte) (version int64, err error)
	Invoke(ctx context.Context, module, method string, payload []byte) (status int, response []byte, err error)
	Fault(ctx context.Context, module, line string) (made string, err error)
	Publish(ctx context.Context, module, output string, m edgehub.Message) error
}

// Module is what the portal needs of a module in this process; *app.App is one.
type Module interface {
	Signals() map[module.SignalName]supervise.State
	Trace(name module.SignalName, n int) *supervise.Trace
	Untrace(name module.SignalName, t *supervise.Trace)
	Logged(guest module.GuestName, n int) []supervise.LoggedLine
}

// Config is what a Portal needs.
type Config struct {
	Listen   string // HOST:PORT of this machine only; port 0 is any that is free
	Manifest manifest.Manifest
	Name     string // of the module in the manifest
	Hub      Hub
	Module   Module           // nil: it runs elsewhere, and is asked by direct methods
	Twin     twin.Environment // what the module's twin refers to
	Guests   string           // directory of file: guests, which dropped ones are written to
	Inspect  func(wasm []byte) Inspection
	Version  string
}

// Portal serves the page.
type Portal struct {
	config   Config
	listener net.Listener
	token    string
	detail   detail
	started  time.Time

	streams chan struct{} // capacity maxStreams: one that is full refuses
	watched watched

	mu       sync.Mutex // guards what follows
	upstream ring[Message]
	letters  ring[Message]
	events   ring[Event]
	seen     duplicates
	gone     int64 // dead letters of the module
}

// Bounds of what is remembered.
const (
	upstreamKept = 300
	lettersKept  = 200
	eventsKept   = 200
	maxStreams   = 16
)

// New listens. Run must be called, if only with a context that has ended, to give the address back.
func New(c Config) (*Portal, error) {
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the portal: %w", err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() { // it listens on TCP
		_ = listener.Close()
		return nil, fmt.Errorf("listen for the portal: %s is not an address of this machine alone", listener.Addr())
	}
	p := &Portal{
		config: c, listener: listener, token: rand.Text(), started: time.Now(), streams: make(chan struct{}, maxStreams),
		upstream: newRing[Message](upstreamKept), letters: newRing[Message](lettersKept), events: newRing[Event](eventsKept),
	}
	p.detail = &methodDetail{hub: c.Hub, name: c.Name}
	if c.Module != nil {
		p.detail = &directDetail{module: c.Module, traces: make(map[module.SignalName]*tracing)}
	}
	p.watched = newWatched(p)
	return p, nil
}

// URL returns where the page is, with the token.
func (p *Portal) URL() string { return fmt.Sprintf("http://%s/#token=%s", p.listener.Addr(), p.token) }

const (
	readTime = 30 * time.Second
	headMax  = 16 << 10
)

// Run serves until ctx ends. It may be called once.
func (p *Portal) Run(ctx context.Context) error {
	server := &http.Server{Handler: p.handler(), ReadTimeout: readTime, IdleTimeout: 2 * readTime, MaxHeaderBytes: headMax,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	var watching sync.WaitGroup
	watching.Go(func() { p.watched.run(ctx) })
	defer watching.Wait()
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		last, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(p.listener)
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the portal: %w", err)
}
