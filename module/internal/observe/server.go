package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Check is one thing that health depends on.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // why it is not, or what is worth knowing all the same
}

// Health is what /healthz and /readyz answer, as JSON: with 200 where all checks are well, else with 503.
type Health struct {
	Status string  `json:"status"` // StatusOK, StatusFailing
	Checks []Check `json:"checks"`
}

// The statuses of Health.
const (
	StatusOK      = "ok"
	StatusFailing = "failing"
)

// HealthOf returns the health that checks come to.
func HealthOf(checks []Check) Health {
	if slices.ContainsFunc(checks, func(c Check) bool { return !c.OK }) {
		return Health{StatusFailing, checks}
	}
	return Health{StatusOK, checks}
}

// ServerConfig is what a Server answers with.
type ServerConfig struct {
	Address string         // HOST:PORT to listen at; port 0 is any that is free
	Metrics http.Handler   // GET /metrics
	Live    func() []Check // GET /healthz: whether the process works; one that does not should be started anew
	Ready   func() []Check // GET /readyz: whether messages get through
}

// Server answers those who watch the module, over plain HTTP, as IoT Edge's own modules do. What it tells is no secret.
type Server struct {
	listener net.Listener
	server   *http.Server
}

const (
	serverConnections = 16 // at a time; others wait
	serverTime        = 30 * time.Second
	serverHead        = 8 << 10 // bytes of a request's head
	lastAnswers       = time.Second
)

// NewServer listens. Run answers and, in the end, lets go of the address.
func NewServer(c ServerConfig) (*Server, error) {
	listener, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", c.Metrics)
	mux.Handle("GET /healthz", answer(c.Live))
	mux.Handle("GET /readyz", answer(c.Ready))
	return &Server{&bounded{listener, make(chan struct{}, serverConnections)}, &http.Server{
		Handler: mux, ReadTimeout: serverTime, WriteTimeout: serverTime, IdleTimeout: serverTime, MaxHeaderBytes: serverHead,
	}}, nil
}

// Address returns where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run answers until ctx ends. Requests that are under way then have a second, and are broken off.
func (s *Server) Run(ctx context.Context) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		last, cancel := context.WithTimeout(context.Background(), lastAnswers)
		defer cancel()
		if s.server.Shutdown(last) != nil {
			_ = s.server.Close()
		}
	})
	err := s.server.Serve(s.listener)
	if !stop() {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("answer at %s: %w", s.Address(), err)
}

func answer(checks func() []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		health := HealthOf(checks())
		w.Header().Set("Content-Type", "application/json")
		if health.Status != StatusOK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(health) // who asked may be gone
	})
}

// bounded is a listener that accepts while there are not too many connections.
type bounded struct {
	net.Listener
	open chan struct{} // one element for each connection
}

func (b *bounded) Accept() (net.Conn, error) {
	b.open <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.open
		return nil, err
	}
	return &counted{Conn: conn, leave: sync.OnceFunc(func() { <-b.open })}, nil
}

// counted is a connection that makes room for another when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// AskHealth asks the server that listens at an address of this machine whether its process works.
func AskHealth(ctx context.Context, address string) (Health, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return Health{}, fmt.Errorf("ask health: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return Health{}, fmt.Errorf("ask health: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // of its own: no proxy stands before this machine
	response, err := client.Do(request)
	if err != nil {
		return Health{}, fmt.Errorf("ask health: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var health Health
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, 1<<20)).Decode(&health); err != nil {
		return Health{}, fmt.Errorf("read health: %w", err)
	}
	return health, nil
}
