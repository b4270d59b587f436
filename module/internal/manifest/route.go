package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DefaultPriority is the priority of a route that names none: edgeHub's lowest.
const DefaultPriority = 2_000_000_000

// Route says which messages go where.
type Route struct {
	Name       string
	Source     string // "/messages/modules/sensor/outputs/*", as written
	Condition  string // the text of a WHERE clause, as written; empty for none
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

var (
	routeForm    = regexp.MustCompile(`(?is)^\s*(?:SELECT\s*\*\s*)?FROM\s*((?:/\s*[^()<>@,;:\\"/\[\]?={}\s]+\s*)+)(?:\s+WHERE\s+(.+?))?\s+INTO\s+(\S.*?)\s*$`)
	brokeredForm = regexp.MustCompile(`(?is)^BrokeredEndpoint\s*\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)$`)
)

// ParseRoute reads a route's text, [SELECT *] FROM source [WHERE condition] INTO sink, after edgeHub's grammar
// (Route.g4 and EndpointFactory.cs of Azure/iotedge). A condition is kept as text and not looked into. What the text
// does not say is left at its defaults: [DefaultPriority] and [Forever].
func ParseRoute(name, text string) (Route, error) {
	clauses := routeForm.FindStringSubmatch(text)
	if clauses == nil {
		return Route{}, fmt.Errorf("%q is not of the form FROM <source> [WHERE <condition>] INTO <sink>", text)
	}
	source := strings.Join(strings.Fields(clauses[1]), "")
	if !validSource(source) {
		return Route{}, fmt.Errorf("source %q: want /*, /messages/*, /messages/modules/NAME/*, /messages/modules/NAME/outputs/NAME or /%s", source, twinChanges)
	}
	sink, err := parseSink(clauses[3])
	if err != nil {
		return Route{}, fmt.Errorf("sink %q: %w", clauses[3], err)
	}
	return Route{Name: name, Source: source, Condition: clauses[2], Sink: sink, Priority: DefaultPriority, TimeToLive: Forever}, nil
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

// parseSink reads $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME"), both in any case.
func parseSink(text string) (Sink, error) {
	if strings.EqualFold(text, upstream) {
		return Sink{Upstream: true}, nil
	}
	call := brokeredForm.FindStringSubmatch(text)
	if call == nil {
		return Sink{}, errors.New(`want $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME")`)
	}
	address := strings.TrimSpace(call[1] + call[2])
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
