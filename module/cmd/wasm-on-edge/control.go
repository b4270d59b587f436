package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	controlLineMax = 64 << 10 // bytes
	controlTimeout = 10 * time.Second
)

// control takes from other processes on this machine the lines that a person would type: POST / with a line as its
// body. GET /stats tells the hub's counters.
type control struct {
	simulation *simulation
	listener   net.Listener
}

// newControl listens on an address of this machine only: who may connect may do everything to the simulation.
func newControl(s *simulation, address string) (*control, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, hint(fmt.Errorf("listen for control: %w", err), "--control takes HOST:PORT, and 0 as the port for any that is free")
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() { // it listens on TCP
		_ = listener.Close()
		return nil, hint(fmt.Errorf("listen for control: %s is not an address of this machine alone", address), "--control 127.0.0.1:0")
	}
	return &control{simulation: s, listener: listener}, nil
}

// run serves until ctx ends.
func (c *control) run(ctx context.Context) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", c.obey)
	mux.HandleFunc("GET /stats", c.stats)
	server := &http.Server{Handler: refuseBrowsers(mux), ReadTimeout: controlTimeout}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(c.listener); !errors.Is(err, http.ErrServerClosed) {
		c.simulation.log.Error().Err(err).Msg("control ended")
	}
}

// refuseBrowsers refuses what a page from elsewhere may make a browser send to this machine.
func refuseBrowsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
			http.Error(w, "not from a browser", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *control) obey(w http.ResponseWriter, r *http.Request) {
	line, err := io.ReadAll(http.MaxBytesReader(w, r.Body, controlLineMax))
	if err == nil {
		var answer string
		if answer, err = c.simulation.obey(r.Context(), string(line)); err == nil {
			_, _ = fmt.Fprintln(w, answer) // who has gone need not hear it
			return
		}
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func (c *control) stats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(c.simulation.hub.Stats()) // who has gone need not hear it
}

// close gives the address back; run does so too.
func (c *control) close() { _ = c.listener.Close() }
