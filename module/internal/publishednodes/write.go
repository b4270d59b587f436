package publishednodes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
)

// fieldOrder is the order in which fields are written.
var fieldOrder = []string{
	"use", "source", "format", "node", "displayName", "samplingIntervalMs", "deadbandType", "deadbandValue", "dataChangeTrigger",
	"heartbeatIntervalMs", "heartbeatBehavior", "skipFirst", "publishGroup", "queueSize", "discardNew", "intervalMs", "maxSamples",
}

// twin returns the signals as the desired section of a twin. What all have in common stands in signalDefaults, and in templates
// what some have, where that saves room.
func (c *converter) twin() []byte {
	defaults := c.takeDefaults()
	templates, order := c.takeTemplates()
	signals, names := map[string]settings{}, []string{}
	for _, s := range c.signals {
		all := maps.Clone(s.shared)
		maps.Copy(all, s.own)
		signals[s.name], names = all, append(names, s.name)
	}
	groups, groupNames := map[string]settings{}, []string{}
	for _, g := range c.order {
		name := c.groups[g]
		groups[name] = settings{"intervalMs": milliseconds(g.interval), "maxSamples": g.size}
		groupNames = append(groupNames, name)
	}
	var b bytes.Buffer
	b.WriteString("{\n  \"schemaVersion\": \"1.0\",\n")
	fmt.Fprintf(&b, "  \"signalDefaults\": %s", oneLine(defaults))
	section(&b, "templates", templates, order)
	section(&b, "publishGroups", groups, groupNames)
	section(&b, "signals", signals, names)
	b.WriteString("\n}\n")
	return b.Bytes()
}

// takeDefaults takes out what all signals have in common.
func (c *converter) takeDefaults() settings {
	defaults := maps.Clone(c.signals[0].shared)
	for _, s := range c.signals {
		maps.DeleteFunc(defaults, func(name string, value any) bool { return s.shared[name] != value })
	}
	for _, s := range c.signals {
		maps.DeleteFunc(s.shared, func(name string, _ any) bool { return defaults[name] != nil })
	}
	return defaults
}

// takeTemplates puts in the place of settings that several signals have the name of a template, where that is shorter.
func (c *converter) takeTemplates() (templates map[string]settings, names []string) {
	users := map[string]int{}
	for _, s := range c.signals {
		users[oneLine(s.shared)]++
	}
	templates = map[string]settings{}
	byText := map[string]string{}
	for i, s := range c.signals {
		text := oneLine(s.shared)
		name, ok := byText[text]
		if !ok {
			name = fmt.Sprintf("kind%d", len(templates)+1)
			if size, n := sizeOf(s.shared), users[text]; size+len(name)+n*(len("use")+len(name)) >= n*size {
				continue
			}
			byText[text], templates[name], names = name, s.shared, append(names, name)
		}
		c.signals[i].shared = settings{"use": name}
	}
	return templates, names
}

// sizeOf returns how many bytes settings take as IoT Hub counts them: those of keys and texts, 8 for a number, 4 for a boolean.
func sizeOf(s settings) int {
	size := 0
	for name, value := range s {
		size += len(name)
		switch v := value.(type) {
		case string:
			size += len(v)
		case bool:
			size += 4
		default:
			size += 8
		}
	}
	return size
}

// section writes a section of a twin, each of its entries on a line of its own; one that is empty is left out.
func section(b *bytes.Buffer, title string, entries map[string]settings, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(b, ",\n  %q: {", title)
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "\n    %q: %s", name, oneLine(entries[name]))
	}
	b.WriteString("\n  }")
}

// oneLine returns settings as JSON, in the order of the fields.
func oneLine(s settings) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range fieldOrder {
		value, ok := s[name]
		if !ok {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %q: %s", name, encode(value))
	}
	b.WriteString(" }")
	return b.String()
}

// encode returns a text, number or boolean as JSON without escapes that only HTML needs.
func encode(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // of a text, a finite number or a boolean: it cannot fail
	return bytes.TrimSpace(b.Bytes())
}
