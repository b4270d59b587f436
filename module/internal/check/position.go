package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// Position is a place in a document. Both count from 1, columns in bytes, as compilers do.
type Position struct{ Line, Column int }

// Position returns where a finding of the report stands in the document: the key that it names or, where that is missing or
// stands in another file, the nearest one around it.
func (r *Report) Position(f module.Finding) Position { return r.places.position(f.Path) }

// places finds paths in a document.
type places struct {
	text    []byte
	root    document.Node // of the desired section
	modules document.Node // modulesContent of a deployment; Absent in a twin
	fault   int           // the offset at which the text is no JSON
}

// desiredKey holds the desired section of a module in a deployment.
const desiredKey = "properties.desired"

// placesOf reads a document once more, for its places. Name is that of the module in a deployment, "" for a twin.
func placesOf(text []byte, name string) places {
	doc, err := document.Parse(text)
	if err != nil {
		return places{text: text, fault: faultOf(text)}
	}
	p := places{text: text, root: doc.Root()}
	if name == "" {
		return p
	}
	if content, ok := p.root.Member("content"); ok {
		p.root = content
	}
	p.modules, _ = p.root.Member("modulesContent")
	ours, _ := p.modules.Member(name)
	p.root, _ = ours.Member(desiredKey)
	return p
}

// faultOf returns the offset of the byte at which a text is no JSON.
func faultOf(text []byte) int {
	var value json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &value)); ok {
		return max(int(e.Offset)-1, 0)
	}
	return 0
}

func (p *places) position(path string) Position {
	node, steps := p.root, stepsOf(path)
	if p.modules.Kind() != document.Absent && len(steps) > 0 && strings.HasPrefix(steps[0], "$edge") {
		node, _ = p.modules.Member(steps[0])
		node, _ = node.Member(desiredKey)
		steps = steps[1:]
	}
	offset := max(p.fault, node.Offset())
	for _, step := range steps {
		key, value, ok := within(node, step)
		if !ok {
			break
		}
		node, offset = value, key.Offset()
	}
	return p.at(offset)
}

// within returns what a step leads to: the name and the value of a member, or an element for both.
func within(n document.Node, step string) (key, value document.Node, ok bool) {
	for name, member := range n.Members() {
		if name.Is(step) {
			key, value, ok = name, member, true // of equal names the last, which is the one that counts
		}
	}
	if i, err := strconv.Atoi(step); err == nil && n.Kind() == document.Array {
		value, ok = n.Element(i)
		key = value
	}
	return key, value, ok
}

func (p *places) at(offset int) Position {
	before := p.text[:min(offset, len(p.text))]
	return Position{bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')}
}

// stepsOf takes the path of a finding apart: signals["press 1"].where[0]. What follows a # stands in another file.
func stepsOf(path string) (steps []string) {
	for path != "" && path[0] != '#' {
		var step string
		if inner, ok := strings.CutPrefix(path, "["); ok {
			step, path = bracketed(inner)
		} else {
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[#")
			if end < 0 {
				end = len(path)
			}
			step, path = path[:end], path[end:]
		}
		steps = append(steps, step)
	}
	return steps
}

// bracketed returns the step that a bracket has opened, and what follows it.
func bracketed(inner string) (step, rest string) {
	quoted, err := strconv.QuotedPrefix(inner)
	if err != nil {
		step, rest, _ = strings.Cut(inner, "]")
		return step, rest
	}
	step, _ = strconv.Unquote(quoted) // it is one
	return step, strings.TrimPrefix(inner[len(quoted):], "]")
}
