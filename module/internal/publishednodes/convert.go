// Package publishednodes turns the configuration of Microsoft's OPC Publisher, its published nodes, into signals that do the
// same: OPC Publisher then only connects to servers and sends what it reads, and a twin says what becomes of it.
//
//	result, err := publishednodes.Convert(document, "opc")
//	// result.Twin is the desired section of a twin, result.Notes is what it cannot say
//
// The schema is that of OPC Publisher 2.9 with the spellings of the versions before it, back to 2.5 (PublishedNodesEntryModel.cs and
// OpcNodeModel.cs of Azure/Industrial-IoT; docs/opc-publisher/readme.md, "Configuration Schema"). Keys are taken in any case, as
// OPC Publisher does. What it does where nothing is said is made explicit, as far as a signal would do otherwise.
//
// # Concurrency
//
// It is pure: its functions may be called from any goroutine.
package publishednodes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Result is what came of published nodes.
type Result struct {
	Twin    []byte   // the desired section of a twin, indented JSON
	Signals int      // in it
	Notes   []string // what has no equivalent and why, for the operator; no credential is ever in them
}

// Convert reads published nodes, an array of entries or one, and returns the signals that do the same to what OPC Publisher sends
// to an input of the module. What it does not know is a note; only what is not published nodes at all is an error.
func Convert(document []byte, input string) (Result, error) {
	entries, err := readEntries(document)
	if err != nil {
		return Result{}, fmt.Errorf("read published nodes: %w", err)
	}
	c := &converter{input: input, batches: map[string]batch{}, groups: map[group]string{}, names: map[string]bool{},
		displayNames: map[string]int{}, endpoints: map[string]map[string]bool{}, notes: &notes{about: map[string]*note{}}}
	var nodes []node
	for _, e := range entries {
		nodes = append(nodes, c.nodesOf(e)...)
	}
	if len(nodes) == 0 {
		return Result{}, errors.New("read published nodes: there is no node with values in them")
	}
	for _, n := range nodes {
		c.displayNames[n.displayName]++
	}
	for _, n := range nodes {
		c.signals = append(c.signals, c.signal(n))
	}
	c.noteEndpoints()
	return Result{Twin: c.twin(), Signals: len(c.signals), Notes: c.notes.texts()}, nil
}

// converter gathers what comes of nodes.
type converter struct {
	input     string
	notes     *notes
	batches   map[string]batch           // by writer group
	groups    map[group]string           // their names
	order     []group                    // as they came
	names     map[string]bool            // of signals and of groups, each with what they are in front
	endpoints map[string]map[string]bool // by node id
	signals   []signal

	displayNames map[string]int // how many nodes have one
}

// readEntries returns the entries of a document.
func readEntries(document []byte) ([]object, error) {
	document = bytes.TrimSpace(bytes.TrimPrefix(document, []byte("\xef\xbb\xbf"))) // editors on Windows begin files so
	if len(document) > 0 && document[0] == '{' {
		document = append(append([]byte{'['}, document...), ']')
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, fmt.Errorf("it is not a JSON array of entries: %w", err)
	}
	entries := make([]object, len(raw))
	for i, text := range raw {
		var ok bool
		if entries[i], ok = readObject(text); !ok {
			return nil, fmt.Errorf("entry %d is not an object", i+1)
		}
	}
	return entries, nil
}

// noteEndpoints tells of nodes that several servers have: messages do not say which one a value is from.
func (c *converter) noteEndpoints() {
	for _, id := range slices.Sorted(maps.Keys(c.endpoints)) {
		if len(c.endpoints[id]) > 1 {
			c.notes.add("EndpointUrl", "several servers have the node, and each signal of it takes the values of all: route them into inputs of their own", id)
		}
	}
}

// note is something to tell, and the nodes that it is about.
type note struct {
	key, why string
	nodes    []string
}

// notes gathers notes: each is told once, however many nodes it is about.
type notes struct {
	about map[string]*note
	order []*note
}

// add tells of a key that has no equivalent. Node is empty where it is not one that it is about.
func (n *notes) add(key, why, node string) {
	known := n.about[key+why]
	if known == nil {
		known = &note{key: key, why: why}
		n.about[key+why] = known
		n.order = append(n.order, known)
	}
	if node != "" {
		known.nodes = append(known.nodes, node)
	}
}

func (n *notes) texts() []string {
	texts := make([]string, len(n.order))
	for i, note := range n.order {
		texts[i] = note.String()
	}
	return texts
}

// String returns the note in one line.
func (n *note) String() string {
	text := n.key + ": " + n.why
	switch len(n.nodes) {
	case 0:
	case 1:
		text += fmt.Sprintf(" (%s)", n.nodes[0])
	default:
		text += fmt.Sprintf(" (%s and %d more)", n.nodes[0], len(n.nodes)-1)
	}
	return strings.Join(strings.Fields(text), " ")
}
