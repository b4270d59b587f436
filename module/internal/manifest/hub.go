package manifest

import (
	"maps"
	"math"
	"slices"
	"time"
)

// parseHub reads the desired properties of edgeHub: routes and store-and-forward settings.
func (m *Manifest) parseHub(contents node) error {
	hub, err := desired(contents, edgeHub)
	if err != nil {
		return err
	}
	if m.StoreAndForward, err = parseStoreAndForward(hub); err != nil {
		return err
	}
	list, ok, err := hub.optional("routes")
	if !ok || err != nil {
		return err
	}
	version, err := hub.requiredText("schemaVersion")
	if err != nil {
		return err
	}
	routes, err := list.object()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		route, err := m.parseRoute(name, routes[name], version)
		if err != nil {
			return err
		}
		m.Routes = append(m.Routes, route)
	}
	return nil
}

// parseStoreAndForward reads {"timeToLiveSecs": 7200, "storeLimits": {"maxSizeBytes": 1073741824}}.
func parseStoreAndForward(hub node) (StoreAndForward, error) {
	settings := StoreAndForward{TimeToLive: defaultTimeToLive}
	section, ok, err := hub.optional("storeAndForwardConfiguration")
	if !ok || err != nil {
		return settings, err
	}
	if ttl, ok, err := section.optional("timeToLiveSecs"); err != nil {
		return settings, err
	} else if ok {
		seconds, err := ttl.integer(-1, math.MaxInt32)
		if err != nil {
			return settings, err
		}
		settings.TimeToLive = timeToLive(seconds)
	}
	limits, ok, err := section.optional("storeLimits")
	if !ok || err != nil {
		return settings, err
	}
	bytes, err := limits.required("maxSizeBytes")
	if err != nil {
		return settings, err
	}
	settings.MaxBytes, err = bytes.integer(1, math.MaxInt64)
	return settings, err
}

func timeToLive(seconds int64) time.Duration {
	if seconds < 0 {
		return Forever
	}
	return time.Duration(seconds) * time.Second
}

// parseRoute reads a route: text, or since schema 1.1 {"route": text, "priority": 0–9, "timeToLiveSecs": n}.
func (m *Manifest) parseRoute(name string, entry node, schemaVersion string) (Route, error) {
	text, err := routeText(entry, schemaVersion)
	if err != nil {
		return Route{}, err
	}
	sentence, err := text.text()
	if err != nil {
		return Route{}, err
	}
	route, err := ParseRoute(name, sentence)
	if err != nil {
		return Route{}, text.errorf("%v", err)
	}
	route.TimeToLive = m.StoreAndForward.TimeToLive
	if entry.kind() == '{' {
		err = route.parseOptions(entry)
	}
	if err == nil {
		err = m.checkSink(text, route.Sink)
	}
	return route, err
}

// routeText finds a route's text in either form of it.
func routeText(entry node, schemaVersion string) (node, error) {
	if entry.kind() != '{' {
		return entry, nil
	}
	if schemaVersion == "1.0" {
		return node{}, entry.errorf("a route as an object needs schemaVersion 1.1, this is 1.0")
	}
	return entry.required("route")
}

// parseOptions reads what a route says beside its text. A time to live of 0 means edgeHub's own.
func (r *Route) parseOptions(entry node) error {
	if priority, ok, err := entry.optional("priority"); err != nil {
		return err
	} else if ok {
		number, err := priority.integer(0, 9)
		if err != nil {
			return err
		}
		r.Priority = int(number)
	}
	ttl, ok, err := entry.optional("timeToLiveSecs")
	if !ok || err != nil {
		return err
	}
	seconds, err := ttl.integer(0, math.MaxUint32)
	if err == nil && seconds > 0 {
		r.TimeToLive = timeToLive(seconds)
	}
	return err
}

// checkSink refuses a route into a module that the deployment does not have: its messages would wait for ever.
func (m *Manifest) checkSink(at node, sink Sink) error {
	if sink.Upstream {
		return nil
	}
	if _, ok := m.Module(sink.Module); !ok {
		return at.errorf("leads into module %q, which is not in %s", sink.Module, edgeAgent)
	}
	return nil
}
