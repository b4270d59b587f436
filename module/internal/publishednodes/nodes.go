package publishednodes

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// What OPC Publisher does where nothing is said.
const (
	defaultSampling   = time.Second
	defaultPublishing = time.Second
	defaultTrigger    = 10 * time.Second
	defaultBatch      = 50
)

// node is one node with values, with what holds for it.
type node struct {
	object
	id          string
	displayName string
	fieldID     string
	format      string
	publishing  time.Duration // how often the server's changes are delivered
	batch       batch
	writer      string // name of its writer group; "": it has none
}

// batch is when OPC Publisher sends.
type batch struct {
	interval time.Duration
	size     int
}

// nodesOf returns the nodes of an entry.
func (c *converter) nodesOf(entry object) []node {
	c.noteKeys(entry, entryKeys, "")
	common := node{
		format: formatOf(entry.text("messagingmode")), batch: c.batchOf(entry), writer: entry.text("datasetwritergroup"),
		publishing: defaultPublishing,
	}
	if d, ok := entry.duration("datasetpublishinginterval", time.Millisecond); ok {
		common.publishing = d
	}
	if encoding := entry.text("messageencoding"); encoding != "" && !strings.Contains(strings.ToLower(encoding), "json") {
		c.notes.add("MessageEncoding", "signals read JSON: set it to Json", "")
	}
	nodes := c.listed(entry.values["opcnodes"], common)
	if legacy, ok := legacyNode(entry.values["nodeid"]); ok {
		nodes = append(nodes, c.known(legacy, common)...)
	}
	for _, n := range nodes {
		if c.endpoints[n.id] == nil {
			c.endpoints[n.id] = map[string]bool{}
		}
		c.endpoints[n.id][entry.text("endpointurl")] = true
	}
	return nodes
}

// listed returns the nodes of a list.
func (c *converter) listed(list json.RawMessage, common node) []node {
	var raw []json.RawMessage
	if list != nil && json.Unmarshal(list, &raw) != nil {
		c.notes.add("OpcNodes", "is not a list", "")
	}
	var nodes []node
	for _, text := range raw {
		o, ok := readObject(text)
		if !ok {
			c.notes.add("OpcNodes", "one is not an object", "")
			continue
		}
		nodes = append(nodes, c.known(o, common)...)
	}
	return nodes
}

// known returns a node and those that it triggers, without those that have no values.
func (c *converter) known(o object, common node) []node {
	n := common
	n.object, n.id = o, cmp.Or(o.text("id"), o.text("expandednodeid"), o.text("nodeid"))
	n.displayName, n.fieldID = o.text("displayname"), o.text("datasetfieldid")
	triggered := c.listed(o.values["triggerednodes"], common)
	switch {
	case n.id == "":
		c.notes.add("OpcNodes", "one has no Id", "")
		return triggered
	case o.values["eventfilter"] != nil || o.values["modelchangehandling"] != nil:
		c.notes.add("EventFilter", "events are not values: they can be taken as whole messages by a signal with a guest", n.id)
		return triggered
	}
	if d, ok := o.duration("opcpublishinginterval", time.Millisecond); ok {
		n.publishing = d
	}
	c.noteKeys(o, nodeKeys, n.id)
	return append([]node{n}, triggered...)
}

// legacyNode reads the one node that an entry of version 2.5 and older can hold: {"Identifier": "ns=2;s=X"}, or that text.
func legacyNode(value json.RawMessage) (object, bool) {
	if value == nil {
		return object{}, false
	}
	o, ok := readObject(value)
	if !ok {
		return object{values: map[string]json.RawMessage{"id": value}}, true
	}
	return object{values: map[string]json.RawMessage{"id": o.values["identifier"]}}, o.values["identifier"] != nil
}

// batchOf returns when the entry's writer group sends: the first entry of a group decides for all.
func (c *converter) batchOf(entry object) batch {
	writer := cmp.Or(entry.text("datasetwritergroup"), "endpoint "+entry.text("endpointurl"))
	b := batch{interval: defaultTrigger, size: defaultBatch}
	if d, ok := entry.duration("batchtriggerinterval", time.Millisecond); ok {
		b.interval = max(d, 0)
	}
	if size, ok := entry.number("batchsize"); ok && size >= 1 {
		b.size = int(min(size, maxSamples))
	}
	first, ok := c.batches[writer]
	if !ok {
		c.batches[writer] = b
		return b
	}
	if entry.values["batchsize"] != nil && first.size != b.size {
		c.notes.add("BatchSize", "the first entry of a writer group decides", "")
	}
	return first
}

// formatOf returns the format of what OPC Publisher sends in a messaging mode; it is Samples where nothing is said.
func formatOf(mode string) string {
	if mode == "" || strings.Contains(strings.ToLower(mode), "samples") {
		return "opcSamples"
	}
	return "opcPubSub"
}
