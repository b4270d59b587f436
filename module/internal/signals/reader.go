package signals

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// Reader finds what messages have for a signal. It does not change and may be used from any goroutine.
type Reader struct {
	whole     bool // it takes whole messages
	chained   bool // but of another signal the samples that the host made
	values    jsonReader
	tags      *tagReader // of the formats other than json
	partition partition
}

// NewReader prepares the reading of a signal.
func NewReader(s module.Signal) (*Reader, error) {
	partition, err := newPartition(s.PartitionBy)
	if err != nil {
		return nil, fmt.Errorf("read partitionBy: %w", err)
	}
	r := &Reader{partition: partition}
	if l, ok := layoutOf(s.Format); ok {
		r.tags = newTagReader(l, s.Node)
		return r, nil
	}
	r.whole = s.Selector == ""
	r.chained = r.whole && readsSignals(s)
	if r.chained { // a whole message has no values: what these lead to is in a sample
		s.Selector, s.TimestampSelector, s.QualitySelector = "/value", "/sourceTimestamp", "/quality"
	}
	r.values, err = newJSONReader(s, partition)
	return r, err
}

// readsSignals reports whether a signal reads others, and no input. What comes from an input may bear the mark of a sample too:
// another module of this kind has sent it, and in the shape of its payload.
func readsSignals(s module.Signal) bool {
	var kinds []module.SourceKind
	for _, source := range s.Sources {
		kinds = append(kinds, source.Kind)
	}
	if len(kinds) == 0 {
		kinds = append(kinds, s.Source.Kind)
	}
	return slices.Contains(kinds, module.SourceSignal) && !slices.Contains(kinds, module.SourceInput)
}

// Samples reports whether the signal works on the values in a message with these properties; otherwise it takes the message as
// a whole. A signal without a selector that reads others, and no input, takes what they send as values where it is a sample that the
// host made, which its property messageType says, and as a whole where a guest made it.
func (r *Reader) Samples(p module.Properties) bool {
	return !r.whole || r.chained && p.Value("messageType") == "sample"
}

// Read appends to found what a message with this content and these properties has for the signal, in the order of the message.
// Of a message that the signal takes as a whole that is one Found without a value where the message is for it: it matches
// where, and has the key of its partition. An error means that the message is not JSON, or nothing in it of the format.
func (r *Reader) Read(found []Found, c *Content, p module.Properties) ([]Found, error) {
	key, ok := r.partition.of(p)
	if !ok {
		return found, nil
	}
	from := len(found)
	found, err := r.read(found, c, r.Samples(p))
	if key != "" {
		for i := range found[from:] {
			found[from+i].Partition = key
		}
	}
	return found, err
}

func (r *Reader) read(found []Found, c *Content, samples bool) ([]Found, error) {
	switch {
	case r.tags != nil:
		return r.tags.read(found, c, r.partition)
	case samples:
		return r.values.read(found, c)
	}
	return r.values.readWhole(found, c)
}

// Partitioned reports whether the signal has an instance for each value of a key.
func (r *Reader) Partitioned() bool { return r.partition.on() }

// partition is where the key of a partition is: in a property, or where a pointer leads.
type partition struct {
	property string
	pointer  document.Pointer
	field    bool // the pointer is /Field
}

func newPartition(by string) (p partition, err error) {
	if name, ok := strings.CutPrefix(by, "property:"); ok {
		return partition{property: name}, nil
	}
	p.pointer, err = document.ParsePointer(by)
	p.field = by == "/Field"
	return p, err
}

func (p *partition) on() bool { return p.property != "" || p.pointer != nil }

// of returns the key that the properties hold, where they are to hold one. False means that they do not.
func (p *partition) of(properties module.Properties) (key string, ok bool) {
	if p.property == "" {
		return "", true
	}
	key = properties.Value(p.property)
	return key, isKey(key)
}

// longestKey is how many bytes a key may have: it is sent as a property.
const longestKey = 256

func isKey(text string) bool { return text != "" && len(text) <= longestKey }

// keyOf returns the key that a value is: a string that is not empty, or a number as it is written.
func keyOf(n document.Node) (key string, ok bool) {
	if n.Kind() != document.String && n.Kind() != document.Number {
		return "", false
	}
	key = n.Text()
	return key, isKey(key)
}
