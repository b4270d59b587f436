package twin

import (
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// layer is one object that a signal is made of. Its entry is the signal's own, or that of signalDefaults or a
// template, which were read once before for what is wrong with them.
type layer struct {
	object map[string]any
	at     path
	entry  *entry
}

// node is a signal's entry: its layers and what came of them.
type node struct {
	entry  *entry
	at     path
	layers []*layer // lowest first, the entry itself last, over what a file says of it
	draft  draft
}

// readLayers takes what signals share.
func (p *parser) readLayers(defaults any, templates map[string]any) {
	if !absent(defaults) {
		e, at := p.entry(entryDefaults, ""), path(entryDefaults)
		object, wrong := object(defaults)
		if wrong != nil {
			e.refuse(at, wrong)
		}
		p.defaults = &layer{object: object, at: at, entry: e}
		p.defaults.check()
	}
	p.entries(entryTemplate, path(entryTemplate), templates, func(e *entry, at path, object map[string]any) {
		p.templates[e.id.Name] = object
		(&layer{object: object, at: at, entry: e}).check()
	})
}

// check reads a shared layer for itself. A signal is refused for the first thing found here; only this entry
// is told of all of them, or a few bad lines would make thousands of findings.
func (l *layer) check() {
	d := signalFields.defaults()
	l.over(&d, l.entry)
	if d.use != "" {
		l.entry.refuse(l.at.key("use"), wrongly("only a signal names a template"))
	}
}

// over reads the layer over those that d holds already.
func (l *layer) over(d *draft, e *entry) {
	signalFields.decode(d, l.object, l.at, e)
	if l.object["source"] != nil && l.object["sources"] != nil {
		e.refuse(l.at.key("sources"), wrongly("give source or sources, not both"))
	}
}

// readSignals takes the signals, those of the twin and those of files: each by itself, then what they mean for each other.
func (p *parser) readSignals(section map[string]any) {
	p.entries(module.EntrySignal, path(module.EntrySignal), section, p.readSignal)
	p.readFiled(section)
	p.chain()
	for _, n := range p.signals {
		if n.entry.refused == nil {
			p.desired.Signals[n.draft.Name] = n.draft.Signal
		}
	}
}

func (p *parser) readSignal(e *entry, at path, object map[string]any) {
	e.signal = e.id.Name
	n := &node{entry: e, at: at, layers: []*layer{{object: object, at: at, entry: e}}, draft: signalFields.defaults()}
	n.draft.Name = module.SignalName(e.id.Name)
	p.signals[e.id.Name] = n
	p.addFiled(n)
	p.addShared(n)
	if n.resolve() {
		p.complete(n)
	}
}

// addFiled puts what a file says of a signal under what the twin says of it.
func (p *parser) addFiled(n *node) {
	f := p.filed[n.entry.id.Name]
	if f == nil {
		return
	}
	if f.again != "" {
		n.entry.refuse(f.at, wrongly("another file holds the signal too").try("see %s", f.again))
	}
	if f.at == n.at {
		return
	}
	object, wrong := object(f.value)
	if wrong != nil {
		n.entry.refuse(f.at, wrong)
	}
	n.layers = append([]*layer{{object: object, at: f.at, entry: n.entry}}, n.layers...)
}

// addShared puts what signals share under what is said of one.
func (p *parser) addShared(n *node) {
	var shared []*layer
	if p.defaults != nil {
		shared = append(shared, p.defaults)
	}
	if use := n.use(); use != "" {
		if template, ok := p.known[module.Entry{Kind: entryTemplate, Name: use}]; ok {
			shared = append(shared, &layer{object: p.templates[use], at: path(entryTemplate).key(use), entry: template})
		} else {
			n.entry.refuse(n.origin("use"), p.missing(entryTemplate, use, "template"))
		}
	}
	n.layers = append(shared, n.layers...)
}

// use returns the name of the signal's template, "" where it has none or it is not a name.
func (n *node) use() string {
	var use string
	for _, l := range n.layers {
		if value, ok := l.object["use"]; ok {
			use, _ = value.(string)
		}
	}
	if checkName(use) != nil {
		return ""
	}
	return use
}

// resolve reads the layers over each other. It reports whether none that the signal shares is missing or was
// refused: otherwise what was read is not what was meant, and worth no further question.
func (n *node) resolve() bool {
	whole := !n.entry.at[n.origin("use")]
	for _, l := range n.layers {
		switch {
		case l.entry == n.entry:
			l.over(&n.draft, n.entry)
		case l.entry.refused != nil:
			f := l.entry.refused
			n.entry.refuse(path(f.Path), &problem{reason: f.Reason, hint: f.Hint})
			whole = false
		default:
			l.over(&n.draft, n.entry.quiet())
		}
	}
	return whole
}

// origin returns the path at which a field of the signal was given, its own where none gave it.
func (n *node) origin(field string) path {
	key, _, _ := strings.Cut(field, ".")
	for i := len(n.layers) - 1; i >= 0; i-- {
		if _, ok := n.layers[i].object[key]; ok {
			return n.layers[i].at.field(field)
		}
	}
	return n.at.field(field)
}

// complete checks a signal that was read whole and fills in what depends on other fields and entries.
func (p *parser) complete(n *node) {
	d := &n.draft
	n.follow(rules)
	n.settle(conflicts)
	n.align()
	p.refer(n)
	if d.DataChangeTrigger == "" {
		d.DataChangeTrigger = defaultTrigger(d.DeadbandType)
	}
	if d.Output == module.OutputNone {
		d.PublishGroup = "" // nothing is sent, so nothing is gathered; other signals read each value as it comes
	}
	d.Settings = n.entry.encodeSettings(p.settings(d), n.origin("settings"))
}

// refer refuses a signal that names a guest or a group that is not there, or a guest that can do nothing for it. A guest that is there and was refused
// is no reason: its last good may be at work.
func (p *parser) refer(n *node) {
	if guest := string(n.draft.Guest); guest != "" && p.known[module.Entry{Kind: module.EntryGuest, Name: guest}] == nil {
		n.entry.refuse(n.origin("guest"), p.missing(module.EntryGuest, guest, "guest"))
	}
	if g := p.guests[n.draft.Guest]; g != nil && g.Run == module.RunService && timed(&n.draft) {
		n.entry.refuse(n.origin("source"), wrongly("guest %q is a service, which hears of no ticks", g.Name).try("give the signal an input; a service keeps time for itself"))
	}
	if group := n.draft.PublishGroup; group != "" {
		if wrong := p.missing(module.EntryGroup, group, "publish group"); wrong != nil {
			n.entry.refuse(n.origin("publishGroup"), wrong)
		}
	}
}

// settings returns a signal's settings over its guest's. Where the guest was refused they are the signal's own,
// with null where a key of the guest's is to go.
func (p *parser) settings(d *draft) map[string]any {
	g, ok := p.guests[d.Guest]
	if !ok && d.Guest != "" {
		return d.settings
	}
	var under any
	if ok {
		under = nameSignal(g.settings, d.Name)
	}
	merged, _ := mergeTree(under, d.settings, false).(map[string]any)
	return merged
}

// nameSignal returns a tree with ${signal} replaced in its texts.
func nameSignal(tree any, name module.SignalName) any {
	return mapTexts(tree, "", func(text string, _ path) string {
		return strings.ReplaceAll(text, placeholderSignal, string(name))
	})
}
