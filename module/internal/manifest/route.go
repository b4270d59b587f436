package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/query"
)

// DefaultPriority is the priority of a route that names none: edgeHub's lowest.
const DefaultPriority = 2_000_000_000

// Route says which messages go where.
type Route struct {
	Name       string
	Source     string           // "/messages/modules/sensor/outputs/*", as written
	Condition  *query.Condition // of messages that it takes; nil for all
	Sink       Sink
	Priority   int           // 0 (first) to 9, or [DefaultPriority]
	TimeToLive time.Duration // how long a message waits for the sink, or [Forever]; edgeHub's own where the route names none
}

// Sink is the end of a route: IoT Hub, or an input of a module.
type Sink struct {
	Upstream bool
	Module   string // where not Upstream
	Input    string // where not Upstream
}

// String returns the sink as a route spells it.
func (s Sink) String() string {
	if s.Upstream {
		return upstream
	}
	return fmt.Sprintf(`BrokeredEndpoint("/modules/%s/inputs/%s")`, s.Module, s.Input)
}

const (
	upstream    = "$upstream"
	twinChanges = "twinChangeNotifications"
)

// ParseRoute reads a route's text, [SELECT *] FROM source [WHERE condition] INTO sink, as edgeHub does (package query;
// EndpointFactory.cs of Azure/iotedge). What the text does not say is left at its defaults: [DefaultPriority] and
// [Forever].
func ParseRoute(name, text string) (Route, error) {
	parsed, err := query.ParseRoute(text)
	if err != nil {
		return Route{}, fmt.Errorf("route %q: %w", text, err)
	}
	if !validSource(parsed.Source) {
		return Route{}, fmt.Errorf("source %q: want /*, /messages/*, /messages/modules/NAME/*, /messages/modules/NAME/outputs/NAME or /%s", parsed.Source, twinChanges)
	}
	sink, err := parseSink(parsed.Sink)
	if err != nil {
		return Route{}, fmt.Errorf("sink of %q: %w", text, err)
	}
	return Route{Name: name, Source: parsed.Source, Condition: parsed.Condition, Sink: sink, Priority: DefaultPriority, TimeToLive: Forever}, nil
}

// validSource tells the sources that exist from those that no message has. A wildcard stands for the rest of a path,
// so it comes last.
func validSource(source string) bool {
	path := strings.Split(strings.Trim(source, "/"), "/")
	if path[len(path)-1] == "*" {
		path = path[:len(path)-1]
	}
	is := func(i int, word string) bool { return strings.EqualFold(path[i], word) }
	switch {
	case slices.ContainsFunc(path, func(s string) bool { return strings.Contains(s, "*") }):
		return false
	case len(path) == 0:
		return true
	case len(path) == 1:
		return is(0, "messages") || is(0, twinChanges)
	case len(path) == 2:
		return is(0, "messages") && (is(1, "modules") || is(1, "events"))
	case len(path) == 3:
		return is(0, "messages") && is(1, "modules")
	default:
		return is(0, "messages") && is(1, "modules") && is(3, "outputs") && len(path) <= 5
	}
}

// parseSink takes $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME"), both in any case.
func parseSink(sink query.Sink) (Sink, error) {
	if !sink.Call && strings.EqualFold(sink.Name, upstream) {
		return Sink{Upstream: true}, nil
	}
	if !sink.Call || !strings.EqualFold(sink.Name, "BrokeredEndpoint") {
		return Sink{}, errors.New(`want $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME")`)
	}
	address := strings.TrimSpace(sink.Address)
	path := strings.Split(strings.TrimSuffix(strings.TrimPrefix(address, "/"), "/"), "/")
	if len(path) != 4 || path[0] != "modules" || path[2] != "inputs" || path[1] == "" || path[3] == "" {
		return Sink{}, errors.New("want /modules/NAME/inputs/NAME as the address")
	}
	return Sink{Module: path[1], Input: path[3]}, nil
}

// Matches reports whether the route takes what a module sends to an output; "" is a message without an output.
// As in edgeHub the source is a prefix of the message's own, in any case, and both end at a slash
// (BaseMessageSource.cs), so that "…/outputs/a" takes no message of output "ab".
func (r Route) Matches(module, output string) bool {
	prefix := strings.TrimRight(strings.TrimRight(r.Source, "*"), "/") + "/"
	source := "/messages/modules/" + module + "/"
	if output != "" {
		source += "outputs/" + output + "/"
	}
	return len(source) >= len(prefix) && strings.EqualFold(source[:len(prefix)], prefix)
}

// TakesTwinChanges reports whether the route takes nothing but the notifications that edgeHub makes of changed twins.
func (r Route) TakesTwinChanges() bool {
	return strings.HasPrefix(strings.ToLower(r.Source), "/"+strings.ToLower(twinChanges))
}
