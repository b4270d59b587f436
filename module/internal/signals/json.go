package signals

import (
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// jsonReader finds values by pointers.
type jsonReader struct {
	selector  document.Pointer
	where     []condition
	time      beside
	quality   beside
	partition beside
}

// beside is a pointer to something that belongs to a value, or none.
type beside struct {
	on bool
	document.Beside
}

// condition is what has to stand beside a value.
type condition struct {
	at    document.Beside
	value string
}

func newJSONReader(s module.Signal, by partition) (r jsonReader, err error) {
	if r.selector, err = document.ParsePointer(s.Selector); err != nil {
		return r, fmt.Errorf("read selector: %w", err)
	}
	if r.time, err = r.beside(s.TimestampSelector); err != nil {
		return r, fmt.Errorf("read timestampSelector: %w", err)
	}
	if r.quality, err = r.beside(s.QualitySelector); err != nil {
		return r, fmt.Errorf("read qualitySelector: %w", err)
	}
	for at, value := range s.Where {
		p, err := document.ParsePointer(at)
		if err != nil {
			return r, fmt.Errorf("read where: %w", err)
		}
		r.where = append(r.where, condition{p.Beside(r.selector), value})
	}
	r.partition = beside{by.pointer != nil, by.pointer.Beside(r.selector)}
	return r, nil
}

func (r *jsonReader) beside(pointer string) (beside, error) {
	p, err := document.ParsePointer(pointer)
	return beside{pointer != "", p.Beside(r.selector)}, err
}

func (r *jsonReader) read(found []Found, c *Content) ([]Found, error) {
	root, err := c.root()
	if err != nil {
		return found, err
	}
	for m := range r.selector.All(root) {
		key, ok := r.takes(root, m)
		if !ok {
			continue
		}
		f := Found{Value: m.Value.Raw(), Partition: key}
		if r.time.on {
			at, _ := r.time.Find(root, m)
			f.Timestamp, f.Untimed = firstTime(at)
		}
		if r.quality.on {
			told, _ := r.quality.Find(root, m)
			f.Quality = qualityOf(told)
		}
		found = append(found, f)
	}
	return found, nil
}

// readWhole takes the message itself. It need not be JSON unless something is looked for in it.
func (r *jsonReader) readWhole(found []Found, c *Content) ([]Found, error) {
	if len(r.where) == 0 && !r.partition.on {
		return append(found, Found{}), nil
	}
	root, err := c.root()
	if err != nil {
		return found, err
	}
	if key, ok := r.takes(root, document.Match{Value: root}); ok {
		found = append(found, Found{Partition: key})
	}
	return found, nil
}

// takes reports whether a value is for the signal, and for which of its partitions.
func (r *jsonReader) takes(root document.Node, m document.Match) (key string, ok bool) {
	for _, c := range r.where {
		if n, ok := c.at.Find(root, m); !ok || !scalar(n) || !n.Is(c.value) {
			return "", false
		}
	}
	if !r.partition.on {
		return "", true
	}
	n, _ := r.partition.Find(root, m)
	return keyOf(n)
}

// scalar reports whether a value can be compared with a text.
func scalar(n document.Node) bool {
	return n.Kind() == document.String || n.Kind() == document.Number || n.Kind() == document.Bool
}
