package publishednodes

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

const maxName = 64 // characters, see module.ValidName

var (
	notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	identifier = regexp.MustCompile(`(?:^|;|#)([isgb])=(.*)$`) // of a NodeId: OPC UA Part 6, 5.3.1.10
)

// nameOf returns a name for the signal of a node, which no other has.
func (c *converter) nameOf(n node) string {
	return c.unique("signal ", cmp.Or(clean(n.displayName), clean(n.fieldID), clean(identifierOf(n.id)), "node"))
}

// groupName returns the name of a publish group.
func (c *converter) groupName(g group) string {
	if name, ok := c.groups[g]; ok {
		return name
	}
	name := c.unique("group ", cmp.Or(clean(g.name), "opc"))
	c.groups[g] = name
	c.order = append(c.order, g)
	return name
}

// unique returns name, with a number at its end if another of the kind has it already.
func (c *converter) unique(kind, name string) string {
	free := name
	for i := 2; c.names[kind+free]; i++ {
		end := fmt.Sprintf("_%d", i)
		free = name[:min(len(name), maxName-len(end))] + end
	}
	c.names[kind+free] = true
	return free
}

// identifierOf returns the part of a NodeId that tells it from others of its namespace: a text as it is, another with its kind.
func identifierOf(id string) string {
	parts := identifier.FindStringSubmatch(id)
	switch {
	case parts == nil:
		return id
	case parts[1] == "s":
		return parts[2]
	}
	return parts[1] + parts[2]
}

// clean returns text as a name, "" where nothing is left.
func clean(text string) string {
	name := strings.Trim(notInNames.ReplaceAllString(text, "_"), "_")
	return strings.Trim(name[:min(len(name), maxName)], "_")
}
