package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

const (
	maxClients    = 101 // MaxConnectedClients of edgeHub, and one
	maxSocketPath = 107 // bytes of a unix socket's path on Linux
)

// Errors of New and of the calls that name a module.
var (
	// ErrNoModule: the deployment has no module of this name.
	ErrNoModule = errors.New("no such module in the deployment")
	// ErrStopped: Run has ended, or ended a connection.
	ErrStopped = errors.New("hub has stopped")
)

// Hub is a simulated Edge Hub with its modules' identities.
type Hub struct {
	cfg       Config
	started   time.Time
	listener  *door
	tls       *tls.Config
	identity  identity
	locked    *os.File // nil unless Config.Keep says so
	caFile    string
	peers     map[string]*peer
	workloads map[string]*workload
	web       *web
	routes    []*rule // by priority
	observe   observation
	journal   *journal // nil unless Config.Keep says so
	ledger    *ledger  // nil for none
	uplink    *uplink
	pending   *pending
	refusals  atomic.Int64
	ran       atomic.Bool
	stopped   chan struct{} // closed when Run ends
}

// New makes a hub that already listens: Environment and ConnectionString are known, and who connects is served as
// soon as Run runs. Run must be called, if only with a context that has ended, to give the sockets back.
func New(cfg Config) (*Hub, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("simulate edgeHub: %w", err)
	}
	h := &Hub{
		cfg: cfg, started: time.Now(),
		peers: map[string]*peer{}, workloads: map[string]*workload{},
		observe: observation{observer: cfg.Observer}, pending: newPending(),
		stopped: make(chan struct{}),
	}
	h.uplink = newUplink(h)
	if err := h.open(); err != nil {
		h.closeListeners()
		_ = h.closeFiles() // the other error is the one that counts
		return nil, fmt.Errorf("simulate edgeHub: %w", err)
	}
	return h, nil
}

// open makes everything that New promises. What it opened before an error is left to closeListeners.
func (h *Hub) open() error {
	var err error
	if h.routes, err = followed(h.cfg.Manifest.Routes); err != nil {
		return err
	}
	if err := os.MkdirAll(h.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if err := h.takeIdentity(); err != nil {
		return err
	}
	bundle := h.identity.Certificates.Bundle
	h.caFile = filepath.Join(h.cfg.Dir, "ca.pem")
	if err := os.WriteFile(h.caFile, bundle, 0o600); err != nil {
		return fmt.Errorf("write trust bundle: %w", err)
	}
	if err := h.listen(); err != nil {
		return err
	}
	for _, module := range h.cfg.Manifest.Modules {
		if err := h.addModule(module, bundle); err != nil {
			return fmt.Errorf("module %q: %w", module.Name, err)
		}
	}
	if err := h.saveIdentity(); err != nil {
		return err
	}
	h.addEndpoints()
	if h.cfg.Ledger != "" {
		if h.ledger, err = openLedger(h.cfg.Ledger); err != nil {
			return err
		}
	}
	return h.restore()
}

func (h *Hub) listen() error {
	var err error
	if h.listener, err = openDoor(again(h.cfg.Listen, h.identity.Port)); err != nil {
		return fmt.Errorf("listen for modules: %w", err)
	}
	listener, err := net.Listen("tcp", again(h.cfg.ListenHTTP, h.identity.PortHTTP))
	if err != nil {
		return fmt.Errorf("listen for direct methods: %w", err)
	}
	h.web = &web{hub: h, listener: listener, requests: make(chan struct{}, maxMethodRequests)}
	return nil
}

// addModule gives a module an identity, a twin and a workload API.
func (h *Hub) addModule(module manifest.Module, bundle []byte) error {
	twin, err := newTwin(module.Desired)
	if err != nil {
		return fmt.Errorf("desired properties: %w", err)
	}
	own := h.identity.credentials(module.Name)
	p := &peer{
		hub: h, name: module.Name, key: own.Key, generation: own.Generation, batch: own.Batch, twin: twin,
		inputsFilter: edgehub.InputsFilter(deviceID, module.Name),
		log:          h.cfg.Log.With().Str("module", module.Name).Logger(),
		wake:         make(chan struct{}, 1),
		endpoints:    map[string]*endpoint{}, calls: map[string]*call{}, unrouted: map[string]struct{}{},
		turn: make(chan struct{}, 1), listening: make(chan struct{}),
	}
	h.peers[module.Name] = p
	socket := filepath.Join(h.cfg.Dir, module.Name+".sock")
	if len(socket) > maxSocketPath {
		return fmt.Errorf("socket %q: path is longer than the %d bytes that are possible, choose a shorter directory", socket, maxSocketPath)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) { // left by one that was killed
		return fmt.Errorf("remove old socket: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen for its workload API: %w", err)
	}
	h.workloads[module.Name] = &workload{peer: p, bundle: bundle, listener: listener, requests: make(chan struct{}, maxWorkloadRequests)}
	return nil
}

// addEndpoints makes an endpoint for each input that a route leads into.
func (h *Hub) addEndpoints() {
	for _, route := range h.routes {
		if sink := route.Sink; !sink.Upstream {
			p := h.peers[sink.Module]
			if p.endpoints[sink.Input] == nil {
				p.endpoints[sink.Input] = &endpoint{peer: p, input: sink.Input, room: make(chan struct{}, h.cfg.QueueLimit)}
			}
		}
	}
}

// Run serves until ctx ends, or until the hub cannot go on, and returns when all that it started has stopped. It may
// be called once.
func (h *Hub) Run(ctx context.Context) error {
	if h.ran.Swap(true) {
		return errors.New("run hub: it has run before")
	}
	inner, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { stop(ErrStopped) })()
	defer close(h.stopped)
	var wg sync.WaitGroup
	wg.Go(func() { stop(h.accept(inner)) })
	wg.Go(func() { stop(h.web.serve(inner)) })
	wg.Go(func() { h.sweepTokens(inner) })
	wg.Go(func() {
		if err := h.keepState(inner); err != nil {
			stop(err)
		}
	})
	for _, p := range h.peers {
		wg.Go(func() { p.keepTime(inner) })
	}
	for _, w := range h.workloads {
		wg.Go(func() { stop(w.serve(inner)) })
	}
	wg.Wait()
	err := h.closeFiles()
	if cause := context.Cause(inner); !errors.Is(cause, ErrStopped) {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("run hub: %w", err)
	}
	return nil
}

// closeFiles writes what is left to write, and lets others have the directory.
func (h *Hub) closeFiles() error {
	err := errors.Join(h.journal.close(), h.ledger.close())
	if h.locked != nil {
		err = errors.Join(err, h.locked.Close())
	}
	return err
}

// accept serves each client that connects in a goroutine of its own, and returns when all of them have ended.
func (h *Hub) accept(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer context.AfterFunc(ctx, func() { h.listener.Close() })()
	places := make(chan struct{}, maxClients)
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return fmt.Errorf("accept module: %w", err) // where ctx has ended, nobody listens
		}
		select {
		case places <- struct{}{}:
			wg.Go(func() {
				defer func() { <-places }()
				h.serve(ctx, tls.Server(conn, h.tls))
			})
		default:
			conn.Close()
		}
	}
}

func (h *Hub) closeListeners() {
	if h.listener != nil {
		h.listener.Close()
	}
	if h.web != nil {
		h.web.listener.Close()
	}
	for _, w := range h.workloads {
		w.listener.Close()
	}
}

// Publish sends a message as if the module had sent it to output ("" for none): it is routed and stored. It waits
// while what it is stored for is full, until ctx or the hub ends. The message must not be changed afterwards.
func (h *Hub) Publish(ctx context.Context, module, output string, m edgehub.Message) error {
	p, err := h.peer(module)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := h.listener.pass(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return h.route(ctx, p, output, m)
}

func (h *Hub) peer(module string) (*peer, error) {
	if p, ok := h.peers[module]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoModule, module)
}

// newGeneration makes a generation id as IoT Hub does: a long number.
func newGeneration() string { return strconv.FormatInt(time.Now().UnixNano()/100, 10) }
