package twin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// upstream is a signal that another one reads, and the path of the source that names it.
type upstream struct {
	name string
	at   path
}

// upstreams returns the signals that n reads, in the order of their names.
func (n *node) upstreams() []upstream {
	var found []upstream
	if s := n.draft.Source; s.Kind == module.SourceSignal {
		found = append(found, upstream{s.Name, n.origin("source")})
	}
	for key, s := range n.draft.Sources {
		if s.Kind == module.SourceSignal {
			found = append(found, upstream{s.Name, n.origin("sources").key(key)})
		}
	}
	slices.SortFunc(found, func(a, b upstream) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.at, b.at)) })
	return found
}

// chain refuses signals that read a signal that is not there, was refused or reads them in turn. It settles the
// signals in the direction of the data; those that never come up are in a cycle or behind one.
func (p *parser) chain() {
	consumers, waiting := p.links()
	var settled []*node
	for _, n := range p.signals {
		if waiting[n] == 0 {
			settled = append(settled, n)
		}
	}
	for len(settled) > 0 {
		n := settled[0]
		settled = settled[1:]
		p.readsGood(n)
		for _, consumer := range consumers[n] {
			if waiting[consumer]--; waiting[consumer] == 0 {
				delete(waiting, consumer)
				settled = append(settled, consumer)
			}
		}
	}
	p.refuseCycles(waiting)
}

// links returns who reads a signal, and how many signals a signal reads, of those that there are.
func (p *parser) links() (consumers map[*node][]*node, waiting map[*node]int) {
	consumers, waiting = map[*node][]*node{}, map[*node]int{}
	for _, n := range p.signals {
		for _, up := range n.upstreams() {
			if source, ok := p.signals[up.name]; ok {
				consumers[source] = append(consumers[source], n)
				waiting[n]++
			}
		}
	}
	return consumers, waiting
}

// readsGood refuses n where a signal that it reads is missing or was refused, and warns where it is stopped.
func (p *parser) readsGood(n *node) {
	for _, up := range n.upstreams() {
		if wrong := p.missing(module.EntrySignal, up.name, "signal"); wrong != nil {
			n.entry.refuse(up.at, wrong)
		} else if p.signals[up.name].draft.Status == module.StatusStopped && n.draft.Status == module.StatusRunning {
			n.entry.warn(up.at, wrongly("signal %s is stopped: nothing comes of it", quote(up.name)))
		}
	}
}

// refuseCycles refuses the signals that are left. Each reads one that is left too, so a walk against the data
// ends in a cycle, or in signals that an earlier walk refused.
func (p *parser) refuseCycles(left map[*node]int) {
	seen := map[*node]bool{}
	byName := func(a, b *node) int { return cmp.Compare(a.entry.id.Name, b.entry.id.Name) }
	for _, start := range slices.SortedFunc(maps.Keys(left), byName) {
		var walk []*node
		next := start
		for !seen[next] {
			seen[next] = true
			walk = append(walk, next)
			next, _ = p.before(next, left)
		}
		if i := slices.Index(walk, next); i >= 0 {
			p.refuseCycle(walk[i:], left)
		}
		for _, n := range slices.Backward(walk) {
			p.readsGood(n)
		}
	}
}

// refuseCycle refuses signals of which each reads the next and the last reads the first.
func (p *parser) refuseCycle(nodes []*node, left map[*node]int) {
	const most = 8 // names are told
	var names []string
	for _, n := range slices.Backward(append(nodes, nodes[0])) {
		names = append(names, n.entry.id.Name)
	}
	if len(names) > most {
		names = append(names[:most], "…")
	}
	wrong := wrongly("signals read each other in a cycle: %s", strings.Join(names, " → "))
	for _, n := range nodes {
		_, at := p.before(n, left)
		n.entry.refuse(at, wrong)
	}
}

// before returns a signal that n reads and that is left, and the path of the source that names it.
func (p *parser) before(n *node, left map[*node]int) (*node, path) {
	for _, up := range n.upstreams() {
		if b, ok := p.signals[up.name]; ok && left[b] > 0 {
			return b, up.at
		}
	}
	return nil, ""
}
