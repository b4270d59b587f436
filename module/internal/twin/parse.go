package twin

import (
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Environment is what a twin refers to outside itself, as it is on this device.
type Environment struct {
	DeviceID string                   // ${deviceId}
	ModuleID string                   // ${moduleId}
	Getenv   func(name string) string // ${env:NAME}; "" means unset; nil: no variable is set

	// Fetch returns what an entry of signalsFrom names. Nil: files are not read, which is worth a warning.
	Fetch func(File) ([]byte, error)
}

// parser reads one document.
type parser struct {
	env      Environment
	findings *findings
	desired  module.Desired

	known     map[module.Entry]*entry       // every entry there is, refused ones too
	names     map[module.EntryKind][]string // their names, for hints
	guests    map[module.GuestName]*guest   // the good ones
	defaults  *layer                        // signalDefaults; nil where absent
	templates map[string]map[string]any     // those that are objects, good or not
	filed     map[string]*filed             // the signals of files
	signals   map[string]*node              // those that are objects, good or not
}

// document is the top level of the desired section, taken apart but not yet read.
type document struct {
	module         any
	signalDefaults any
	guests         map[string]any
	templates      map[string]any
	publishGroups  map[string]any
	signals        map[string]any
	signalsFrom    map[string]any
}

// maxInteger is the largest integer that a twin may hold (edgeHub, ReportedPropertiesValidator.cs).
const maxInteger = 4503599627370495

var documentFields = table[document]{
	unread[document]("$metadata"),
	unread[document]("$version"), // these two are read before all others, whether the rest can be read or not
	unread[document]("schemaVersion"),
	one("module", func(d *document) *any { return &d.module }, nil, anything),
	one("signalDefaults", func(d *document) *any { return &d.signalDefaults }, nil, anything),
	mapOf("guests", func(d *document) *map[string]any { return &d.guests }, anyKey, anything),
	mapOf("templates", func(d *document) *map[string]any { return &d.templates }, anyKey, anything),
	mapOf("publishGroups", func(d *document) *map[string]any { return &d.publishGroups }, anyKey, anything),
	mapOf("signals", func(d *document) *map[string]any { return &d.signals }, anyKey, anything),
	mapOf("signalsFrom", func(d *document) *map[string]any { return &d.signalsFrom }, anyKey, anything),
}

// Parse reads the desired section of a module twin, {"schemaVersion": …, "guests": …, …, "$version": n}.
//
// There is no error beside the findings: whatever is wrong with the document stands in Desired.Findings,
// sorted by path, all of it at once. A document that is refused as a whole (see [module.Desired.DocumentRefused])
// has no entries. Module holds the built-in defaults where its entry is absent or was refused.
//
// A signal's Settings are complete where its guest is in Desired.Guests. Where the guest's entry was refused
// they are the signal's own, for a caller that keeps the last good guest and completes them by [WithGuest].
func Parse(doc []byte, env Environment) module.Desired {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	p := &parser{
		env: env, findings: &findings{},
		desired: module.Desired{
			Module:  moduleFields.defaults(),
			Guests:  map[module.GuestName]module.GuestSpec{},
			Signals: map[module.SignalName]module.Signal{},
			Groups:  map[string]module.PublishGroup{},
		},
		known: map[module.Entry]*entry{}, names: map[module.EntryKind][]string{},
		guests: map[module.GuestName]*guest{}, templates: map[string]map[string]any{},
		filed: map[string]*filed{}, signals: map[string]*node{},
	}
	p.document(doc)
	p.desired.Findings = p.findings.sorted()
	if p.desired.DocumentRefused() {
		clear(p.desired.Guests)
		clear(p.desired.Signals)
		clear(p.desired.Groups)
		p.desired.Module = moduleFields.defaults()
	}
	return p.desired
}

func (p *parser) document(doc []byte) {
	root := p.entry("", "")
	object, wrong := readDocument(doc)
	if wrong != nil {
		root.refuse("", wrong)
		return
	}
	p.version(root, object["$version"])
	if !p.schema(root, object) {
		return
	}
	var d document
	documentFields.decode(&d, object, "", root)
	p.readModule(d.module)
	p.readGuests(d.guests)
	p.readGroups(d.publishGroups)
	p.readLayers(d.signalDefaults, d.templates)
	p.readFiles(d.signalsFrom)
	p.readSignals(d.signals)
}

// version takes the desired version, which reported names for a refused document too.
func (p *parser) version(root *entry, value any) {
	if value == nil {
		return
	}
	version, wrong := whole[int64](1, 0, maxInteger)(value)
	if wrong != nil {
		root.refuse("$version", wrong)
	}
	p.desired.Version = version
}

// schema reports whether the document is one that this version can read at all.
func (p *parser) schema(root *entry, object map[string]any) bool {
	if empty(object) {
		root.refuse("", &problem{reason: reasonEmpty})
		return false
	}
	for _, key := range []string{"desired", "properties", "properties.desired"} {
		if _, ok := object[key]; ok {
			root.refuse(path("").key(key), wrongly("is not a key of this schema").try("paste one level deeper: what stands inside %q", key))
			return false
		}
	}
	version, newer, wrong := schemaVersion(object["schemaVersion"])
	p.desired.SchemaVersion = version
	p.findings.lenient = newer
	if wrong != nil {
		root.refuse(pathSchemaVersion, wrong)
	}
	return wrong == nil
}

// entry returns the place for findings about an entry of this document.
func (p *parser) entry(kind module.EntryKind, name string) *entry {
	return &entry{findings: p.findings, id: module.Entry{Kind: kind, Name: name}, env: p.env}
}

// entries calls read for each entry of a section that stands at a path, in the order of their names. One that is null or {}
// is absent.
func (p *parser) entries(kind module.EntryKind, at path, section map[string]any, read func(e *entry, at path, object map[string]any)) {
	for _, name := range slices.Sorted(maps.Keys(section)) {
		if value := section[name]; !absent(value) {
			p.readEntry(kind, name, value, at.key(name), read)
		}
	}
}

func (p *parser) readEntry(kind module.EntryKind, name string, value any, at path, read func(e *entry, at path, object map[string]any)) {
	e := p.entry(kind, name)
	p.known[e.id] = e
	p.names[kind] = append(p.names[kind], name)
	if wrong := checkName(name); wrong != nil {
		e.refuse(at, wrong)
	}
	object, wrong := object(value)
	if wrong != nil {
		e.refuse(at, wrong)
		return
	}
	read(e, at, object)
}

// missing says that an entry that another refers to is not there: because it was refused, or altogether.
// It returns nil where there is nothing wrong with it.
func (p *parser) missing(kind module.EntryKind, name, what string) *problem {
	e, ok := p.known[module.Entry{Kind: kind, Name: name}]
	switch {
	case !ok:
		wrong := wrongly("there is no %s %s", what, quote(name))
		wrong.hint = didYouMean(name, p.names[kind])
		return wrong
	case e.refused != nil:
		return wrongly("%s %s was refused", what, quote(name)).try("see %s", e.refused.Path)
	}
	return nil
}

// absent reports whether value stands for no entry: a layer deletes one with null, or with {} where its
// tools cannot write null.
func absent(value any) bool {
	object, ok := value.(map[string]any)
	return value == nil || ok && len(object) == 0
}
