package publishednodes

import (
	"strings"
	"time"
)

// maxSamples is how many samples a publish group may be told to gather, and wait in it for one signal.
const maxSamples = 100000

// minHeartbeat is the shortest interval of heartbeats that a twin takes.
const minHeartbeat = 100 * time.Millisecond

// signal is what comes of a node.
type signal struct {
	name   string
	own    settings // node and displayName: those no other has
	shared settings
}

// settings are the fields of a signal that are not at their defaults.
type settings map[string]any

// triggers and behaviors are OPC Publisher's words in lower case. Continuous is what periodic was called for a while.
var (
	triggers  = map[string]string{"status": "status", "statusvalue": "statusValue", "statusvaluetimestamp": "statusValueTimestamp"}
	behaviors = map[string]string{
		"watchdoglkv": "", "watchdoglkg": "watchdogLKG", "periodiclkv": "periodicLKV", "periodiclkg": "periodicLKG",
		"continuouslkv": "periodicLKV", "continuouslkg": "periodicLKG", "periodiclkvdropvalue": "periodicLKVDropValue",
		"periodiclkgdropvalue": "periodicLKGDropValue", "watchdoglkvdiagnosticsonly": "watchdogLKVDiagnosticsOnly",
	}
)

// signal returns the signal of a node.
func (c *converter) signal(n node) signal {
	s := signal{name: c.nameOf(n), own: settings{"node": c.spelling(n)}, shared: settings{"source": "input:" + c.input, "format": n.format}}
	if n.displayName != "" && n.displayName != s.name && !strings.Contains(n.displayName, "${") {
		s.own["displayName"] = n.displayName
	}
	c.addReporting(s.shared, n)
	c.addHeartbeat(s.shared, n)
	c.addGroup(s.shared, n)
	return s
}

// spelling returns how messages name a node. Its NodeId can be spelled in several ways there; a DisplayName stands as it is.
func (c *converter) spelling(n node) string {
	switch {
	case n.format == "opcPubSub" && n.fieldID != "":
		return n.fieldID
	case n.displayName != "" && c.displayNames[n.displayName] == 1:
		return n.displayName
	}
	return n.id
}

// addReporting adds when a value is a change.
func (c *converter) addReporting(to settings, n node) {
	if d, ok := n.duration("opcsamplinginterval", time.Millisecond); ok && d != 0 {
		if d < 0 {
			d = n.publishing // OPC UA: negative means that of the subscription
		}
		if interval := milliseconds(d); interval > 0 {
			to["samplingIntervalMs"] = interval
			c.notes.add("OpcSamplingInterval", "samplingIntervalMs thins out what arrives: let OPC Publisher sample faster than that, or leave it out", "")
		}
	}
	if n.yes("skipfirst") {
		to["skipFirst"] = true
	}
	trigger := triggers["statusvalue"]
	if word := n.text("datachangetrigger"); word != "" {
		known, ok := triggers[strings.ToLower(word)]
		if !ok {
			c.notes.add("DataChangeTrigger", "is not a word that is known; StatusValue is taken", n.id)
		} else {
			trigger = known
		}
	}
	if n.yes("usecyclicread") {
		trigger = "always"
	}
	to["dataChangeTrigger"] = trigger
	c.addDeadband(to, n, trigger)
}

func (c *converter) addDeadband(to settings, n node, trigger string) {
	value, _ := n.number("deadbandvalue")
	switch kind := strings.ToLower(n.text("deadbandtype")); {
	case kind == "percent":
		c.notes.add("DeadbandType", "Percent is of the server's EURange, which is not in the file: give rangeMin, rangeMax, deadbandType percent and deadbandValue", n.id)
	case kind == "absolute" && (trigger == "status" || trigger == "always"):
		c.notes.add("DeadbandType", "has no effect there either: it is for changes of the value", n.id)
	case kind == "absolute" && value > 0:
		to["deadbandType"], to["deadbandValue"] = "absolute", value
	}
}

func (c *converter) addHeartbeat(to settings, n node) {
	interval, ok := n.duration("heartbeatinterval", time.Second)
	if !ok || interval <= 0 {
		return
	}
	to["heartbeatIntervalMs"] = milliseconds(max(interval, minHeartbeat))
	word := n.text("heartbeatbehavior")
	behavior, known := behaviors[strings.ToLower(word)]
	switch {
	case word != "" && !known:
		c.notes.add("HeartbeatBehavior", "a heartbeat keeps its source timestamp and has a publishTimestamp: watchdogLKV is taken", n.id)
	case behavior != "":
		to["heartbeatBehavior"] = behavior
	}
}

// group is a publish group.
type group struct {
	name     string // of the writer group
	interval time.Duration
	size     int
}

// addGroup adds the publish group that does what subscription and batch do: it sends as often as the longer of both. A server
// keeps QueueSize values a publishing interval, so that many wait in the group; they are counted only where it can be fewer
// than are sampled.
func (c *converter) addGroup(to settings, n node) {
	if n.batch.size == 1 {
		return
	}
	publishing := min(max(n.publishing, 10*time.Millisecond), longest)
	g := group{name: n.writer, interval: min(max(publishing, n.batch.interval), longest), size: n.batch.size}
	to["publishGroup"] = c.groupName(g)
	sampling, ok := n.duration("opcsamplinginterval", time.Millisecond)
	if !ok {
		sampling = defaultSampling
	}
	if sampling < 0 {
		sampling = publishing
	}
	queue := 1.0
	if size, ok := n.number("queuesize"); ok && size > 1 {
		queue = min(size, maxSamples)
	}
	if queue*float64(sampling) >= float64(publishing) {
		return
	}
	times := (g.interval + publishing - 1) / publishing
	to["queueSize"] = int(min(float64(int(queue))*float64(times), maxSamples))
	if n.yes("discardnew") {
		to["discardNew"] = true
	}
}

func milliseconds(d time.Duration) int64 { return d.Milliseconds() }
