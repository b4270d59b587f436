package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/query"
)

// maxWarned bounds how many outputs of a module are warned of because no route takes them.
const maxWarned = 100

// rule is a route that is followed.
type rule struct {
	manifest.Route
	blind sync.Once // warns that its condition cannot look into a body
}

// followed sorts routes by priority, and refuses those that the simulator does not know how to follow.
func followed(routes []manifest.Route) ([]*rule, error) {
	rules := make([]*rule, len(routes))
	for i, route := range routes {
		if route.TakesTwinChanges() {
			return nil, fmt.Errorf("route %q: FROM %s is not simulated", route.Name, route.Source)
		}
		rules[i] = &rule{Route: route}
	}
	slices.SortStableFunc(rules, func(a, b *rule) int { return cmp.Compare(a.Priority, b.Priority) })
	return rules, nil
}

// route stores a message wherever the routes lead it, once for each sink. It waits while a sink is full; when it
// returns nil, everything is stored or, where no route takes the output or edgeHub could not handle it, thrown away.
func (h *Hub) route(ctx context.Context, from *peer, output string, m edgehub.Message) error {
	if err := checkMessage(from.name, output, m); err != nil {
		from.discard(err)
		return nil
	}
	now := time.Now()
	rules := h.matching(from, output, m)
	from.receive(output, len(rules) > 0)
	for _, rule := range rules {
		var err error
		if rule.Sink.Upstream {
			up := Upstream{Module: from.name, Output: output, Message: m, Time: now}
			err = h.uplink.put(ctx, rule.Priority, expires(rule.Route, now), up)
		} else {
			err = h.store(ctx, from, rule.Route, m, now)
		}
		if err != nil {
			return fmt.Errorf("store message for %s: %w", rule.Sink, err)
		}
	}
	from.counted()
	return nil
}

// expires is when a message that took a route now has outlived its time, zero for never.
func expires(route manifest.Route, now time.Time) time.Time {
	if route.TimeToLive < 0 {
		return time.Time{}
	}
	return now.Add(route.TimeToLive)
}

// counted keeps the counters. It comes after what they count: a sensor that goes on after the hub was killed numbers
// its messages by them, and must not skip one that was not stored.
func (p *peer) counted() {
	if p.hub.journal == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hub.journal.append(p.countersRecord())
}

// matching returns the routes that take a message, one for each sink: where several lead into the same one, that of
// the highest priority (Evaluator.cs of edgeHub).
func (h *Hub) matching(from *peer, output string, m edgehub.Message) []*rule {
	var rules []*rule
	var asked *query.Message     // made for the first condition
	for _, r := range h.routes { // in order of priority
		same := func(other *rule) bool { return other.Sink == r.Sink }
		if !r.Matches(from.name, output) || slices.ContainsFunc(rules, same) {
			continue
		}
		if r.Condition != nil && asked == nil {
			asked = asQuery(from.name, output, m)
		}
		if r.Condition == nil || r.Condition.Holds(asked) {
			rules = append(rules, r)
		} else if err := asked.BodyError(); err != nil {
			r.blind.Do(func() {
				from.log.Warn().Err(err).Str("route", r.Name).Msg("condition does not hold, its message cannot be looked into")
			})
		}
	}
	return rules
}

// store keeps a message for an input.
func (h *Hub) store(ctx context.Context, from *peer, route manifest.Route, m edgehub.Message, now time.Time) error {
	to := h.peers[route.Sink.Module]
	topic := edgehub.MessageTopic{
		DeviceID: deviceID, ModuleID: to.name, Name: route.Sink.Input,
		Properties: forwarded(m.Properties, from.name),
	}.Input()
	if len(topic) > maxTopic { // no PUBLISH can carry it, and edgeHub's message would never get through either
		from.discard(fmt.Errorf("topic of an input would have %d bytes", len(topic)))
		return nil
	}
	stored := &message{topic: topic, body: m.Body, expires: expires(route, now)}
	return to.endpoints[route.Sink.Input].put(ctx, route.Priority, stored)
}

// notForwarded are the system properties that a sender's message does not keep on its way to an input.
var notForwarded = []string{"$.on", "$.ifid"}

// forwarded returns a sender's properties as a receiver sees them: with the sender's identity.
func forwarded(properties edgehub.Properties, sender string) edgehub.Properties {
	list := make(edgehub.Properties, 0, len(properties)+2)
	for _, property := range properties {
		if !slices.Contains(notForwarded, property.Name) {
			list = append(list, property)
		}
	}
	list.Set(edgehub.PropertySenderDevice, deviceID)
	list.Set(edgehub.PropertySenderModule, sender)
	return list
}

// receive counts a message from the module. The first that no route takes is worth a warning for each output.
func (p *peer) receive(output string, routed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counters.Received++
	if routed {
		return
	}
	p.counters.Dropped++
	if _, known := p.unrouted[output]; !known && len(p.unrouted) < maxWarned {
		p.unrouted[output] = struct{}{}
		p.log.Warn().Str("output", output).Msg("no route takes this output, its messages are thrown away")
	}
}

func (p *peer) upstream() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counters.Upstream++
}

// discard takes note of a message that edgeHub acknowledges and throws away.
func (p *peer) discard(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counters.Discarded++
	p.log.Warn().Err(reason).Msg("message thrown away")
}
