package query

import "strings"

// MaxText is the longest text of a route in bytes: IoT Hub takes none that is longer in a twin, which is where routes
// are kept. It bounds how deeply a condition nests.
const MaxText = 4096

// Route is a route's sentence.
type Route struct {
	Source    string     // "/messages/modules/sensor/outputs/*", without white space
	Condition *Condition // nil where it has none
	Sink      Sink
}

// Sink is what follows INTO: "$upstream", or BrokeredEndpoint("/modules/a/inputs/b").
type Sink struct {
	Name    string // "$upstream" or "BrokeredEndpoint", as written
	Call    bool   // it has an argument
	Address string // the argument, without its quotes
}

// ParseRoute reads [SELECT *] FROM source [WHERE condition] INTO sink (Route.g4). Its error is an [*Error].
func ParseRoute(text string) (Route, error) {
	if len(text) > MaxText {
		return Route{}, &Error{Column: MaxText + 1, Reason: "a route is no longer than 4096 bytes, the most that IoT Hub takes for a text in a twin"}
	}
	p := parser{text: text, tokens: lex(text)}
	if p.take("select") {
		if err := p.expect("*"); err != nil {
			return Route{}, err
		}
	}
	var route Route
	var err error
	if err = p.expect("from"); err != nil {
		return Route{}, err
	}
	if route.Source, err = p.source(); err != nil {
		return Route{}, err
	}
	if p.take("where") {
		if route.Condition, err = p.condition(); err != nil {
			return Route{}, err
		}
	}
	if err = p.expect("into"); err != nil {
		return Route{}, err
	}
	if route.Sink, err = p.sink(); err != nil {
		return Route{}, err
	}
	if t := p.peek(); t.kind != end {
		return Route{}, errorAt(t, "%s after the end of the route", t)
	}
	return route, nil
}

// source reads a path: a slash and a name or *, once or more.
func (p *parser) source() (string, error) {
	var path strings.Builder
	for p.take("/") {
		item := p.next()
		if item.kind != name && !item.is("*") {
			return "", errorAt(item, `want a name or "*" in the source, not %s`, item)
		}
		path.WriteString("/" + item.text)
	}
	if path.Len() == 0 {
		return "", errorAt(p.peek(), `want a source, which begins with "/", not %s`, p.peek())
	}
	return path.String(), nil
}

// sink reads $upstream or name("address").
func (p *parser) sink() (Sink, error) {
	t := p.next()
	if t.kind == systemName {
		return Sink{Name: t.text}, nil
	}
	if t.kind != name {
		return Sink{}, errorAt(t, `want a sink, $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME"), not %s`, t)
	}
	if err := p.expect("("); err != nil {
		return Sink{}, err
	}
	address := p.next()
	if address.kind != quoted {
		return Sink{}, errorAt(address, "want the sink's address in quotes, not %s", address)
	}
	return Sink{Name: t.text, Call: true, Address: address.text[1 : len(address.text)-1]}, p.expect(")")
}
