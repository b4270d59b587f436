package document

// Document is a JSON text that was read.
type Document struct {
	body []byte
	tape []entry
}

// entry is one value, or one name of a member: its text is body[start:end]. The values within an array follow it, those
// within an object each after its name; next is the entry after all that. Offsets of 32 bits keep an entry at 16 bytes.
type entry struct {
	start, end uint32
	next       uint32
	kind       Kind
	plain      bool // of a string: the text between its quotes is its value
}

// Kind is what a JSON value is.
type Kind uint8

// The kinds. The zero Kind is that of the zero Node.
const (
	Absent Kind = iota // no value at all
	Null
	Bool
	Number
	String
	Array
	Object
)

// Root returns the value that the text is.
func (d *Document) Root() Node { return Node{doc: d} }
