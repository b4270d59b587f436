package portal

import "hash/maphash"

// ring keeps the last of what happened. Its user guards it.
type ring[E any] struct {
	kept []E
	next uint64 // number of the one to come; the first is 0
}

func newRing[E any](size int) ring[E] { return ring[E]{kept: make([]E, size)} }

func (r *ring[E]) add(e E) {
	r.kept[r.next%uint64(len(r.kept))] = e
	r.next++
}

// since returns what came from number from on, oldest first, of which the last limit; how many it left out; and the
// number to go on with.
func (r *ring[E]) since(from uint64, limit int) (last []E, missed, next uint64) {
	first := max(from, r.next-min(r.next, uint64(min(len(r.kept), limit))))
	for n := first; n < r.next; n++ {
		last = append(last, r.kept[n%uint64(len(r.kept))])
	}
	return last, first - min(from, first), r.next
}

// duplicatesKept is how many identities are remembered to find repeats.
const duplicatesKept = 1 << 16

// duplicates counts messages whose identity was there before, among the last 65,536.
type duplicates struct {
	seed  maphash.Seed
	known map[uint64]struct{}
	order ring[uint64]
	count int64
}

func (d *duplicates) add(identity string) {
	if d.known == nil {
		*d = duplicates{seed: maphash.MakeSeed(), known: make(map[uint64]struct{}), order: newRing[uint64](duplicatesKept)}
	}
	hash := maphash.String(d.seed, identity)
	if _, there := d.known[hash]; there {
		d.count++
		return
	}
	if d.order.next >= duplicatesKept {
		delete(d.known, d.order.kept[d.order.next%duplicatesKept])
	}
	d.known[hash] = struct{}{}
	d.order.add(hash)
}
