package signals

import (
	"errors"
	"fmt"
	"sync"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// ErrFormat is in the error for a message that is JSON, and nothing in it is of the signal's format.
var ErrFormat = errors.New("nothing in it is of the format")

// Content is a message's body. It is parsed once, and the items of a format are gathered once, when the first signal asks:
// many signals that pick one tag each out of a batch cost one parse and a lookup each. It may be used from any goroutine.
type Content struct {
	body   []byte
	once   sync.Once
	doc    *document.Document
	err    error
	gather sync.Mutex // of items
	items  [layouts]*items
}

// NewContent returns the content of a message with this body, which must not be changed any more.
func NewContent(body []byte) *Content { return &Content{body: body} }

// root returns what the message is, as JSON.
func (c *Content) root() (document.Node, error) {
	c.once.Do(func() {
		if c.doc, c.err = document.Parse(c.body); c.err != nil {
			c.err = fmt.Errorf("read message: %w", c.err)
		}
	})
	if c.err != nil {
		return document.Node{}, c.err
	}
	return c.doc.Root(), nil
}

// itemsOf returns the items of the message in a format.
func (c *Content) itemsOf(l layout) (*items, error) {
	root, err := c.root()
	if err != nil {
		return nil, err
	}
	c.gather.Lock()
	defer c.gather.Unlock()
	if c.items[l] == nil {
		c.items[l] = readItems(l, root)
	}
	if !c.items[l].fit {
		return nil, fmt.Errorf("read message: %w %s", ErrFormat, l)
	}
	return c.items[l], nil
}
