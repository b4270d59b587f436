package signals

import (
	"hash/maphash"
	"iter"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// names finds items by their names, of which several may have the same. It is a hash table over the names as they stand
// in the message: a map of strings would copy each, which costs as much as the parse.
type names struct {
	seed  maphash.Seed
	list  []name
	heads []int32 // in list, by hash; -1: none
}

// name is that of an item. Those of one hash are a chain.
type name struct {
	text document.Node
	item int32
	next int32 // in list; -1: it is the last
}

// add gives an item a name. Names can be found once they are indexed.
func (ns *names) add(text document.Node, item int) {
	ns.list = append(ns.list, name{text: text, item: int32(item)})
}

// index makes the chains, in the order of the list.
func (ns *names) index() {
	size := 1
	for size < 2*len(ns.list) {
		size *= 2
	}
	ns.seed, ns.heads = maphash.MakeSeed(), make([]int32, size)
	for i := range ns.heads {
		ns.heads[i] = -1
	}
	for i := len(ns.list) - 1; i >= 0; i-- {
		head := &ns.heads[ns.list[i].text.Hash(ns.seed)&uint64(size-1)]
		ns.list[i].next, *head = *head, int32(i)
	}
}

// find returns the items with a name, each once.
func (ns *names) find(text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		last := int32(-1)
		for i := ns.heads[maphash.String(ns.seed, text)&uint64(len(ns.heads)-1)]; i >= 0; i = ns.list[i].next {
			n := &ns.list[i]
			if n.item == last || !n.text.Is(text) {
				continue
			}
			if last = n.item; !yield(int(n.item)) {
				return
			}
		}
	}
}
