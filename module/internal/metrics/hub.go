package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// Hub counts what happens on the line to edgeHub.
type Hub struct {
	connected                            atomic.Bool
	connections, renewals, renewalErrors atomic.Int64
	retries, losses, contested, jumps    atomic.Int64
	ignored                              atomic.Int64

	latency       prometheus.Histogram
	unacked, lost atomic.Int64
}

var (
	hubConnected     = gauge("edgehub_connected", "Whether there is a connection to edgeHub.")
	hubConnections   = counter("edgehub_connections_total", "Connections to edgeHub, renewals of the token left out.")
	hubLosses        = counter("edgehub_disconnections_total", "Connections to edgeHub that ended by themselves.")
	hubRetries       = counter("edgehub_retries_total", "Times that a connection to edgeHub was missing and is tried again.")
	hubRenewals      = counter("edgehub_token_renewals_total", "Connections that took over with a new token.")
	hubRenewalErrors = counter("edgehub_token_renewal_failures_total", "Times that the token could not be renewed.")
	hubContested     = counter("edgehub_identity_contested_total", "Times that another client seemed to use this module's identity.")
	hubJumps         = counter("edgehub_clock_jumps_total", "Times that the wall clock was set, so that the token had to be renewed.")
	hubIgnored       = counter("edgehub_packets_ignored_total", "Packets of edgeHub that no part of the client waits for.")
	hubUnacked       = gauge("edgehub_publishes_unacked", "Messages on their way to edgeHub, which has not acknowledged them.")
	hubLost          = counter("edgehub_publishes_lost_total", "Messages whose connection ended before edgeHub acknowledged them; they are sent again.")
)

// NewHub returns a Hub that knows of no connection.
func NewHub() *Hub {
	return &Hub{latency: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    prefix + "edgehub_publish_seconds",
		Help:    "Time from handing a message to edgeHub's client to edgeHub's acknowledgement.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
	})}
}

// Event takes what happened to the connection.
func (h *Hub) Event(e edgehub.Event) {
	switch e := e.(type) {
	case edgehub.Connected:
		h.connected.Store(true)
		if e.Renewal {
			h.renewals.Add(1)
		} else {
			h.connections.Add(1)
		}
	case edgehub.Disconnected:
		h.connected.Store(false)
		h.losses.Add(1)
	case edgehub.Retrying:
		h.retries.Add(1)
	case edgehub.RenewalFailed:
		h.renewalErrors.Add(1)
	case edgehub.IdentityContested:
		h.contested.Add(1)
	case edgehub.ClockJumped:
		h.jumps.Add(1)
	case edgehub.PacketIgnored:
		h.ignored.Add(1)
	}
}

// Publishing notes that a message is handed over. Then comes Published or, where that was refused, Withdrawn.
func (h *Hub) Publishing() { h.unacked.Add(1) }

// Withdrawn notes that the message was not taken.
func (h *Hub) Withdrawn() { h.unacked.Add(-1) }

// Published notes what became of a message that was handed over.
func (h *Hub) Published(since time.Time, err error) {
	h.unacked.Add(-1)
	if err != nil {
		h.lost.Add(1)
		return
	}
	h.latency.Observe(time.Since(since).Seconds())
}

// Describe implements prometheus.Collector. What is collected is not described before: it is checked by tests.
func (h *Hub) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (h *Hub) Collect(ch chan<- prometheus.Metric) {
	hubConnected.send(ch, truth(h.connected.Load()))
	hubUnacked.send(ch, number(h.unacked.Load()))
	for f, n := range map[family]*atomic.Int64{hubConnections: &h.connections, hubLosses: &h.losses, hubRetries: &h.retries, hubRenewals: &h.renewals,
		hubRenewalErrors: &h.renewalErrors, hubContested: &h.contested, hubJumps: &h.jumps, hubIgnored: &h.ignored, hubLost: &h.lost} {
		f.send(ch, number(n.Load()))
	}
	h.latency.Collect(ch)
}
