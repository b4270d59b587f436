package signals

import (
	"iter"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// layout is a format whose messages hold items with names.
type layout int

// The layouts.
const (
	opcSamples layout = iota
	opcPubSub
	modbus
	layouts int = iota
)

func layoutOf(f module.Format) (layout, bool) {
	for l := range layout(layouts) {
		if l.String() == string(f) {
			return l, true
		}
	}
	return 0, false
}

// String returns the format as the twin spells it.
func (l layout) String() string {
	return [...]string{string(module.FormatOPCSamples), string(module.FormatOPCPubSub), string(module.FormatModbus)}[l]
}

// owners are where the owner of an item may have its name, by which items with the same name are told apart.
func (l layout) owners() []string {
	return [...][]string{{"/ApplicationUri", "/EndpointUrl"}, {"/DataSetWriterName", "/DataSetWriterId"}, {"/HwId"}}[l]
}

// items are what a message holds in one format, in its order. They do not change once they are gathered.
type items struct {
	fit    bool // there is something of the format, or nothing at all
	list   []item
	scopes []scope
	names  names
}

// item is one value with its name. What its time, status and value are is read when it is asked for.
type item struct {
	node  document.Node // an object that describes the value; in opcPubSub the value itself
	name  document.Node // of the field, in opcPubSub
	scope int           // in scopes
}

// scope is what stands around items, from the innermost outwards.
type scope [3]document.Node

// readItems finds the items of a message.
func readItems(l layout, root document.Node) *items {
	is := &items{scopes: []scope{{}}}
	_, some := root.Element(0)
	is.fit = root.Kind() == document.Array && !some
	for part := range parts(root) {
		switch l {
		case opcSamples:
			is.addSample(part)
		case opcPubSub:
			is.addNetworkMessage(part)
		case modbus:
			is.addModbus(part)
		}
	}
	is.names.index()
	return is
}

// parts are the elements of an array, and of what is none that itself.
func parts(n document.Node) iter.Seq[document.Node] {
	return func(yield func(document.Node) bool) {
		if n.Kind() != document.Array {
			yield(n)
			return
		}
		for _, element := range n.Elements() {
			if !yield(element) {
				return
			}
		}
	}
}

// enter adds a scope, for the items that follow.
func (is *items) enter(s scope) int {
	is.scopes = append(is.scopes, s)
	return len(is.scopes) - 1
}

// add adds an item with the names that it may be called by.
func (is *items) add(it item, names ...document.Node) {
	is.fit = true
	is.list = append(is.list, it)
	for _, name := range names {
		if name.Kind() == document.String {
			is.names.add(name, len(is.list)-1)
		}
	}
}

// called returns the items with a name.
func (is *items) called(name string) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for at := range is.names.find(name) {
			if !yield(&is.list[at]) {
				return
			}
		}
	}
}

// lookup finds what a pointer leads to from an item, or else from what stands around it, the innermost first.
func (is *items) lookup(it *item, p document.Pointer) (document.Node, bool) {
	if it.name.Kind() == document.Absent {
		if n, ok := p.Find(it.node); ok {
			return n, true
		}
	}
	for _, around := range is.scopes[it.scope] {
		if n, ok := p.Find(around); ok {
			return n, true
		}
	}
	return document.Node{}, false
}
