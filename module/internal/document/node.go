package document

import (
	"encoding/json"
	"hash/maphash"
	"iter"
)

// Node is a value of a document. The zero Node is Absent: it has no text and nothing within.
type Node struct {
	doc *Document
	at  uint32
}

func (n Node) entry() entry {
	if n.doc == nil {
		return entry{}
	}
	return n.doc.tape[n.at]
}

// Kind returns what the value is.
func (n Node) Kind() Kind { return n.entry().kind }

// Raw returns the value as it stands in the text, without space around it. It is part of the body and must not be changed.
func (n Node) Raw() []byte {
	e := n.entry()
	if e.kind == Absent {
		return nil
	}
	return n.doc.body[e.start:e.end:e.end]
}

// Offset returns how many bytes of the text come before the value.
func (n Node) Offset() int { return int(n.entry().start) }

// Text returns a string without its quotes and escapes, and what is no string as it stands.
func (n Node) Text() string {
	e := n.entry()
	switch {
	case e.kind != String:
		return string(n.Raw())
	case e.plain:
		return string(n.doc.body[e.start+1 : e.end-1])
	}
	var text string
	_ = json.Unmarshal(n.Raw(), &text) // a string that was checked always unmarshals
	return text
}

// Is reports whether Text is this text, for less.
func (n Node) Is(text string) bool {
	e := n.entry()
	switch {
	case e.kind != String:
		return string(n.Raw()) == text
	case e.plain:
		return string(n.doc.body[e.start+1:e.end-1]) == text
	}
	return n.Text() == text
}

// Hash returns the hash of Text, for less: what [maphash.String] returns for it.
func (n Node) Hash(seed maphash.Seed) uint64 {
	if e := n.entry(); e.plain {
		return maphash.Bytes(seed, n.doc.body[e.start+1:e.end-1])
	}
	return maphash.String(seed, n.Text())
}

// Member returns the member of an object that has this name, the last where several have.
func (n Node) Member(name string) (member Node, ok bool) {
	for key, value := range n.Members() {
		if key.Is(name) {
			member, ok = value, true
		}
	}
	return member, ok
}

// Element returns the element of an array at an index, which counts from 0.
func (n Node) Element(index int) (Node, bool) {
	for i, element := range n.Elements() {
		if i == index {
			return element, true
		}
	}
	return Node{}, false
}

// Elements returns the elements of an array with their indices. What is no array has none.
func (n Node) Elements() iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		e := n.entry()
		if e.kind != Array {
			return
		}
		for i, at := 0, n.at+1; at < e.next; i, at = i+1, n.doc.tape[at].next {
			if !yield(i, Node{n.doc, at}) {
				return
			}
		}
	}
}

// Members returns the members of an object: each its name, which is a String, and its value, in the order of the text and
// with those of equal names. What is no object has none.
func (n Node) Members() iter.Seq2[Node, Node] {
	return func(yield func(name, value Node) bool) {
		e := n.entry()
		if e.kind != Object {
			return
		}
		for at := n.at + 1; at < e.next; at = n.doc.tape[at+1].next {
			if !yield(Node{n.doc, at}, Node{n.doc, at + 1}) {
				return
			}
		}
	}
}
