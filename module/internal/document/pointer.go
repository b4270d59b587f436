package document

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Pointer is a JSON Pointer (RFC 6901), taken apart. A step of * stands for each element of an array; in an object it
// is a name like others. The zero Pointer leads to where it begins.
type Pointer []step

// step is one reference token.
type step struct {
	name  string
	index int // of an element; -1 where the name is no index
	each  bool
}

// ParsePointer takes a pointer like "/machine/temperature" apart. The empty text is the pointer to the whole document.
func ParsePointer(text string) (Pointer, error) {
	if text == "" {
		return nil, nil
	}
	if text[0] != '/' {
		return nil, fmt.Errorf("parse JSON Pointer %q: it must begin with a slash", text)
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var p Pointer
	for token := range strings.SplitSeq(text[1:], "/") {
		name := unescape.Replace(token)
		p = append(p, step{name: name, index: index(name), each: name == "*"})
	}
	return p, nil
}

// index reads an index as RFC 6901 writes it, without leading zeros.
func index(name string) int {
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || strconv.Itoa(i) != name {
		return -1
	}
	return i
}

// Find returns the value that the pointer leads to from n, and whether there is one; of several the first.
func (p Pointer) Find(n Node) (Node, bool) {
	for i, s := range p {
		if s.each && n.Kind() == Array {
			return p[i+1:].first(n)
		}
		var ok bool
		if n, ok = s.from(n); !ok {
			return Node{}, false
		}
	}
	return n, n.Kind() != Absent
}

// first goes on from the first element that leads somewhere.
func (p Pointer) first(array Node) (Node, bool) {
	for _, element := range array.Elements() {
		if found, ok := p.Find(element); ok {
			return found, true
		}
	}
	return Node{}, false
}

func (s step) from(n Node) (Node, bool) {
	if n.Kind() == Array {
		return n.Element(s.index)
	}
	return n.Member(s.name)
}

// Match is one of the values that a pointer leads to.
type Match struct {
	Value Node
	each  []Node // what the steps of * led to
}

// All returns every value that the pointer leads to from n, in the order of the text. A match may be used until
// the next.
func (p Pointer) All(n Node) iter.Seq[Match] {
	return func(yield func(Match) bool) { p.all(Match{Value: n}, yield) }
}

func (p Pointer) all(m Match, yield func(Match) bool) bool {
	for i, s := range p {
		if s.each && m.Value.Kind() == Array {
			return p[i+1:].every(m, yield)
		}
		var ok bool
		if m.Value, ok = s.from(m.Value); !ok {
			return true
		}
		if s.each {
			m.each = append(m.each, m.Value)
		}
	}
	return m.Value.Kind() == Absent || yield(m)
}

// every goes on from each element of the array m.
func (p Pointer) every(m Match, yield func(Match) bool) bool {
	for _, element := range m.Value.Elements() {
		if !p.all(Match{Value: element, each: append(m.each, element)}, yield) {
			return false
		}
	}
	return true
}

// Beside is a pointer that goes along with another: as far as the two are the same, up to a *, it takes the element that
// the other took. So /readings/*/time finds the time of the reading whose value /readings/*/value found.
type Beside struct {
	from int     // how many * of the other it goes along with; 0: it begins at the root
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
// one; of several the first.
func (b Beside) Find(root Node, m Match) (Node, bool) {
	if b.from > 0 {
		root = m.each[b.from-1]
	}
	return b.rest.Find(root)
}
