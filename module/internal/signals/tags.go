package signals

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// tagReader finds the items of a format, all of them or those with one name.
type tagReader struct {
	layout layout
	names  []tagName // what node may mean: the first that a message has is taken; none: all items
	owners []document.Pointer
}

// tagName is a name, and whose it has to be.
type tagName struct{ owner, name string }

func newTagReader(l layout, node string) *tagReader {
	r := &tagReader{layout: l, names: tagNames(node)}
	for _, owner := range l.owners() {
		p, _ := document.ParsePointer(owner) // they are pointers
		r.owners = append(r.owners, p)
	}
	return r
}

func (r *tagReader) read(found []Found, c *Content, by partition) ([]Found, error) {
	is, err := c.itemsOf(r.layout)
	if err != nil {
		return found, err
	}
	if len(r.names) == 0 {
		for i := range is.list {
			found = r.take(found, is, &is.list[i], by)
		}
		return found, nil
	}
	for _, n := range r.names {
		some := false
		for it := range is.called(n.name) {
			if n.owner == "" || r.owned(is, it, n.owner) {
				some, found = true, r.take(found, is, it, by)
			}
		}
		if some {
			break
		}
	}
	return found, nil
}

// take appends what an item has, unless it is to have a partition and has none.
func (r *tagReader) take(found []Found, is *items, it *item, by partition) []Found {
	key, ok := is.partition(it, by)
	if !ok {
		return found
	}
	f := is.found(r.layout, it)
	f.Partition = key
	return append(found, f)
}

// owned reports whether an item belongs to an owner.
func (r *tagReader) owned(is *items, it *item, owner string) bool {
	return slices.ContainsFunc(r.owners, func(p document.Pointer) bool {
		n, ok := is.lookup(it, p)
		return ok && n.Is(owner)
	})
}

// partition returns the key of an item. The pointer goes from the item, or else from what stands around it; the pointer /Field
// means the name of a field in opcPubSub, to which no pointer leads.
func (is *items) partition(it *item, by partition) (key string, ok bool) {
	if by.pointer == nil {
		return "", true
	}
	if by.field && it.name.Kind() != document.Absent {
		return keyOf(it.name)
	}
	n, _ := is.lookup(it, by.pointer)
	return keyOf(n)
}

// found returns what an item has for a signal.
func (is *items) found(l layout, it *item) Found {
	switch l {
	case opcSamples:
		value, _ := it.node.Member("Value")
		return dataValue(value, it.node)
	case opcPubSub:
		return dataValue(it.node, is.scopes[it.scope][0])
	}
	return is.modbusFound(it)
}

// tagNames returns what node may mean: a name of any owner or, after the name of one and a slash, of that. The slashes of a
// namespace URI are no such ones, unless nsu= stands between.
func tagNames(node string) []tagName {
	if node == "" {
		return nil
	}
	var names []tagName
	for _, name := range nodeSpellings(node) {
		names = append(names, tagName{name: name})
	}
	if len(names) > 1 {
		return names
	}
	for i, c := range node {
		if c != '/' || i == 0 || i+1 == len(node) {
			continue
		}
		for _, name := range nodeSpellings(node[i+1:]) {
			names = append(names, tagName{owner: node[:i], name: name})
		}
	}
	return names
}

// nodeSpellings returns the ways in which a message may spell a node, the given one first. OPC Publisher writes the
// namespace as nsu=URI;s=ID or URI#s=ID, where the identifier has its escapes; which URI an index like ns=2 stands for only
// the server knows.
func nodeSpellings(node string) []string {
	spellings := []string{node}
	if uri, id, ok := cutNamespace(node); ok {
		kind, name := id[:2], id[2:]
		upper := url.QueryEscape(name)
		spellings = append(spellings, "nsu="+uri+";"+id, uri+"#"+id, uri+"#"+kind+upper, uri+"#"+kind+lowerEscapes(upper))
	}
	return spellings
}

// cutNamespace takes a node in one of the spellings with a namespace URI apart. The id is without escapes.
func cutNamespace(node string) (uri, id string, ok bool) {
	rest, expanded := strings.CutPrefix(node, "nsu=")
	if expanded {
		uri, id, ok = strings.Cut(rest, ";")
	} else if uri, id, ok = strings.Cut(node, "#"); ok {
		if plain, err := url.QueryUnescape(id); err == nil {
			id = plain
		}
	}
	return uri, id, ok && len(id) > 2 && id[1] == '=' && strings.ContainsRune("isgb", rune(id[0]))
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}
