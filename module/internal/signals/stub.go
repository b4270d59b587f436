package signals

import "github.com/wasm-on-edge/wasm-on-edge/module"

type Content struct{ body []byte }

func NewContent(body []byte) *Content { return &Content{body} }

type Reader struct {
	selector string
	part     string
	p        Pointer
	pp       Pointer
}

func NewReader(s module.Signal) (*Reader, error) {
	p, err := ParsePointer(s.Selector)
	pp, _ := ParsePointer(s.PartitionBy)
	return &Reader{s.Selector, s.PartitionBy, p, pp}, err
}
func (r *Reader) Samples() bool { return r.selector != "" }
func (r *Reader) Read(found []Found, c *Content, p module.Properties) ([]Found, error) {
	v, ok, err := r.p.Find(c.body)
	if err != nil || !ok {
		return found, err
	}
	f := Found{Value: v}
	if k, _ := r.Partitions(nil, c, p); len(k) > 0 {
		f.Partition = k[0]
	}
	return append(found, f), nil
}
func (r *Reader) Partitioned() bool { return r.part != "" }
func (r *Reader) Partitions(keys []string, c *Content, p module.Properties) ([]string, error) {
	if r.part == "" {
		return nil, nil
	}
	v, ok, err := r.pp.Find(c.body)
	if err != nil || !ok {
		return nil, err
	}
	return []string{string(content(v))}, nil
}
