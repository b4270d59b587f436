// Package scan reads JSON piece by piece, without reflection and, but for texts with escapes, without
// allocating. It is what package edge reads samples and settings with: encoding/json would make every guest
// more than a megabyte larger.
//
// A document is walked by [Members] and [Elements], which hand out raw values that are known to be valid JSON;
// [Text] reads a string, strconv reads a number. It accepts what encoding/json accepts, nested at most
// [MaxDepth] deep.
//
// Concurrency: plain functions and values; a Walker belongs to the goroutine that walks.
package scan

import "errors"

// MaxDepth bounds how deep arrays and objects may be nested, and with it the stack that a document can use.
const MaxDepth = 100

// Walker goes through the members of an object or the elements of an array:
//
//	for members := scan.Members(document); members.Next(); {
//		use(members.Key, members.Value)
//	}
//	return members.Err()
type Walker struct {
	Key   []byte // the member's name, unescaped; nil in an array
	Value []byte // the raw value, valid JSON

	in      reader
	open    byte
	started bool
	done    bool
	err     error
}

// Members returns a walker over the JSON object in document.
func Members(document []byte) Walker { return Walker{in: reader{data: document}, open: '{'} }

// Elements returns a walker over the JSON array in document.
func Elements(document []byte) Walker { return Walker{in: reader{data: document}, open: '['} }

// Next goes to the next member or element and reports whether there is one.
func (w *Walker) Next() bool {
	if w.done {
		return false
	}
	w.err = w.step()
	w.done = w.done || w.err != nil
	return !w.done
}

// Err returns what was wrong with the document, nil where it was read to its end. It means something once
// Next has returned false.
func (w *Walker) Err() error { return w.err }

// step reads the next member, or the end.
func (w *Walker) step() error {
	first := !w.started
	if first {
		w.started = true
		if err := w.start(); err != nil {
			return err
		}
	}
	switch more, err := w.in.next(w.open, first); {
	case err != nil:
		return err
	case !more:
		w.done = true
		return w.in.end()
	}
	if w.open == '{' {
		if err := w.key(); err != nil {
			return err
		}
	}
	from := w.in.skipSpace()
	err := w.in.value(1)
	w.Value = w.in.data[from:w.in.pos]
	return err
}

func (w *Walker) start() error {
	w.in.skipSpace()
	if w.in.take(w.open) {
		return nil
	}
	want := "an object"
	if w.open == '[' {
		want = "an array"
	}
	if KindOf(w.in.data) == Invalid {
		return w.in.unexpected("looking for " + want)
	}
	return errors.New("want " + want + ", got " + KindOf(w.in.data).String())
}

func (w *Walker) key() error {
	raw, err := w.in.name()
	if err != nil {
		return err
	}
	w.Key, err = Text(raw)
	return err
}
