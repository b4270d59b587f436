// Package document reads JSON once for many readers.
//
// [Parse] checks a whole text and notes where its values are: one flat list, in the order of the text, without maps and
// without decoding anything. What is asked for is taken from the text as it stands, so that a number keeps every
// digit:
//
//	doc, err := document.Parse(body)
//	temperature, ok := selector.Find(doc.Root()) // selector, err := document.ParsePointer("/machine/temperature")
//	temperature.Raw()                            // 21.50
//
// A text is taken exactly when encoding/json takes it, with the same answers to what RFC 8259 leaves open: of equal names
// the last counts, bytes that are no UTF-8 and halves of surrogate pairs read as U+FFFD, and arrays and objects may be
// nested 10,000 deep.
//
// # Concurrency
//
// Documents, nodes and pointers do not change once they are made: any number of goroutines may read them at once. The
// body belongs to its document, and nobody may change it as long as that is in use.
package document
