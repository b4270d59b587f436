package signals

import (
	"iter"
	"net/url"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// tagReader finds the items of a format, all of them or those with one name.
type tagReader struct {
	layout layout
	all    bool
	names  []tagName // spellings of one name; the first that a message uses is taken
	owner  document.Pointer
}

// tagName is a name, of one owner where several may have the same.
type tagName struct{ owner, name string }

func newTagReader(l layout, node string) *tagReader {
	r := &tagReader{layout: l, all: node == ""}
	switch l {
	case modbus:
		r.owner, _ = document.ParsePointer("/HwId") // it is a pointer
		r.names = modbusNames(node)
	default:
		for _, name := range nodeSpellings(node) {
			r.names = append(r.names, tagName{name: name})
		}
	}
	return r
}

func (r *tagReader) read(found []Found, c *Content, by partition) ([]Found, error) {
	is, err := c.gather(r.layout)
	if err != nil {
		return found, err
	}
	for it := range r.items(is) {
		key, ok := is.partition(it, by)
		if !ok {
			continue
		}
		f := is.found(r.layout, it)
		f.Partition = key
		found = append(found, f)
	}
	return found, nil
}

// items are those of a message that the signal takes.
func (r *tagReader) items(is *items) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for i := range is.list {
			if !r.all {
				break
			}
			if !yield(&is.list[i]) {
				return
			}
		}
		for _, name := range r.names {
			any := false
			for it := range is.called(name.name) {
				if !r.owned(is, it, name.owner) {
					continue
				}
				if any = true; !yield(it) {
					return
				}
			}
			if any {
				return
			}
		}
	}
}

// owned reports whether an item belongs to an owner, if one is asked for.
func (r *tagReader) owned(is *items, it *item, owner string) bool {
	if owner == "" {
		return true
	}
	n, ok := is.lookup(it, r.owner)
	return ok && n.Is(owner)
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

// nodeSpellings returns the ways in which a message may spell a node, the given one first. OPC Publisher writes the
// namespace as nsu=URI;s=ID or URI#s=ID, where the identifier has its escapes; which URI an index like ns=2 stands for only
// the server knows.
func nodeSpellings(node string) []string {
	spellings := []string{node}
	if node == "" {
		return nil
	}
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
