package portal

import (
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// HubState is how the hub stands to the module, and its account of messages.
type HubState struct {
	Connected bool           `json:"connected"`
	Desired   int64          `json:"desired"`  // version
	Reported  int64          `json:"reported"` // version
	UptimeMs  int64          `json:"uptimeMs"` // of the simulation
	Routes    []int64        `json:"routes"`   // messages that each took, as far as their senders tell, in the manifest's order
	Queued    map[string]int `json:"queued"`   // by input
	Account   Account        `json:"account"`
}

// Account says what became of every message for the module, and of what it sent.
type Account struct {
	Sent        int64 `json:"sent"` // to the module's inputs, by other modules
	Delivered   int64 `json:"delivered"`
	Redelivered int64 `json:"redelivered"`
	Acked       int64 `json:"acked"`
	Waiting     int64 `json:"waiting"` // at the hub, not acknowledged yet
	Overdue     int64 `json:"overdue"`
	Expired     int64 `json:"expired"`
	Rejected    int64 `json:"rejected"`
	Published   int64 `json:"published"` // by the module
	Upstream    int64 `json:"upstream"`
	DeadLetters int64 `json:"deadLetters"`
	Duplicates  int64 `json:"duplicates"` // at IoT Hub, by their message id
	Unrouted    int64 `json:"unrouted"`
	Malformed   int64 `json:"malformed"`
}

func (p *Portal) hubState() HubState {
	hub := p.config.Hub
	stats := hub.Stats()
	ours := stats.Modules[p.config.Name]
	_, desired := hub.Desired(p.config.Name)
	_, reported := hub.Reported(p.config.Name)
	s := HubState{Connected: ours.Connected, Desired: desired, Reported: reported, UptimeMs: time.Since(p.started).Milliseconds(), Queued: ours.Queued,
		Account: Account{Delivered: ours.Delivered, Redelivered: ours.Redelivered, Acked: ours.Acked, Overdue: ours.Overdue,
			Expired: ours.Expired, Rejected: ours.Rejected, Published: ours.Received, Upstream: ours.Upstream,
			Unrouted: ours.Dropped, Malformed: ours.Discarded}}
	for _, queued := range ours.Queued {
		s.Account.Waiting += int64(queued)
	}
	p.routes(stats, &s)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Account.DeadLetters, s.Account.Duplicates = p.gone, p.seen.count
	return s
}

// routes tells what the senders of the routes into the module have sent: a sensor has one output.
func (p *Portal) routes(stats sim.Stats, s *HubState) {
	for _, r := range p.config.Manifest.Routes {
		source := p.sourceOf(r.Source, r.Sink.Input)
		var sent int64
		if source.Module != "" && !strings.EqualFold(source.Module, p.config.Name) {
			sent = stats.Modules[source.Module].Received
		}
		s.Routes = append(s.Routes, sent)
		if r.Sink.Module == p.config.Name && r.Condition == nil {
			s.Account.Sent += sent
		}
	}
}
