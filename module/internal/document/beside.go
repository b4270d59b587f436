package document

// Beside is a pointer that goes along with another: where that one took an element for a *, this one takes the same for its
// own *, the first for the first and so on. So /readings/*/time finds the time of the reading that /readings/*/value
// found, and /times/* what stands at the index that /values/* is at.
type Beside struct {
	from int     // how many * of the other it shares the way to; 0: it goes from the root
	rest Pointer // the way from there
}

// Beside prepares p to go along with other.
func (p Pointer) Beside(other Pointer) Beside {
	b := Beside{rest: p}
	shared := 0
	for i := range min(len(p), len(other)) {
		if p[i] != other[i] {
			break
		}
		if p[i].each {
			shared++
			b = Beside{from: shared, rest: p[i+1:]}
		}
	}
	return b
}

// Find returns the value that belongs to a match of the other pointer in the document with this root, and whether there is
// one. A * for which the match has no element leads to the first value there is.
func (b Beside) Find(root Node, m Match) (Node, bool) {
	n, taken := root, 0
	if b.from > 0 {
		n, taken = m.each[b.from-1].node, b.from
	}
	for i, s := range b.rest {
		if s.each {
			if taken == len(m.each) {
				return b.rest[i:].Find(n)
			}
			s.index = m.each[taken].index
			taken++
		}
		var ok bool
		if n, ok = s.from(n); !ok {
			return Node{}, false
		}
	}
	return n, n.Kind() != Absent
}
