package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// maxWarned bounds how many outputs of a module are warned of because no route takes them.
const maxWarned = 100

// notForwarded are the system properties that a sender's message does not keep on its way to an input.
var notForwarded = []string{"$.on", "$.ifid"}

// route stores a message wherever the routes lead it, once for each sink. It waits while a sink is full; when it
// returns nil, everything is stored or, where no route takes the output, thrown away.
func (h *Hub) route(ctx context.Context, from *peer, output string, m edgehub.Message) error {
	now := time.Now()
	routes := h.matching(from.name, output)
	from.receive(output, len(routes) > 0)
	for _, route := range routes {
		if route.Sink.Upstream {
			from.upstream()
			h.observe.upstream(Upstream{Module: from.name, Output: output, Message: m, Time: now})
			continue
		}
		if err := h.store(ctx, from, route, m, now); err != nil {
			return fmt.Errorf("store message for %s: %w", route.Sink, err)
		}
	}
	return nil
}

// matching returns the routes that take a message, one for each sink: where several lead into the same one, that of
// the highest priority (Evaluator.cs of edgeHub).
func (h *Hub) matching(module, output string) []manifest.Route {
	var routes []manifest.Route
	for _, route := range h.routes { // in order of priority
		same := func(r manifest.Route) bool { return r.Sink == route.Sink }
		if route.Matches(module, output) && !slices.ContainsFunc(routes, same) {
			routes = append(routes, route)
		}
	}
	return routes
}

// checkRoutes sorts routes by priority, and refuses those that the simulator does not know how to follow.
func checkRoutes(routes []manifest.Route) ([]manifest.Route, error) {
	for _, route := range routes {
		if route.Condition != "" {
			return nil, fmt.Errorf("route %q: not supported yet: WHERE %s", route.Name, route.Condition)
		}
		if route.TakesTwinChanges() {
			return nil, fmt.Errorf("route %q: not supported yet: FROM %s", route.Name, route.Source)
		}
	}
	byPriority := func(a, b manifest.Route) int { return cmp.Compare(a.Priority, b.Priority) }
	return slices.SortedStableFunc(slices.Values(routes), byPriority), nil
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
	stored := &message{topic: topic, body: m.Body}
	if route.TimeToLive >= 0 {
		stored.expires = now.Add(route.TimeToLive)
	}
	return to.endpoints[route.Sink.Input].put(ctx, route.Priority, stored)
}

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
