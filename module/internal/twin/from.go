package twin

import (
	"errors"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// ErrNotAtHand is what Environment.Fetch returns for a file that is where nobody looks now.
var ErrNotAtHand = errors.New("the file is not at hand")

// File is an entry of signalsFrom: where a file of signals is.
type File struct {
	Source      string // as of a guest
	Digest      string // "sha256:…" of the content; "": any, of a file on the device
	Credentials string // name of a file or variable of the device; "": none
}

var fileFields = table[File]{
	one("source", func(f *File) *string { return &f.Source }, "", text[string](checkGuestSource)),
	one("digest", func(f *File) *string { return &f.Digest }, "", text[string](checkDigest)),
	one("credentials", func(f *File) *string { return &f.Credentials }, "", text[string](checkFileName)),
}

// maxFile is how many bytes a file of signals may have, room for some thirty thousand signals.
const maxFile = 4 * mebi

// filed is a signal as a file holds it.
type filed struct {
	value any
	at    path
	again path // where another file holds it too; empty: none does
}

// content is a file of signals: {"signals": {…}}. What signals share stands in the twin.
type content struct{ signals map[string]any }

var contentFields = table[content]{
	unread[content]("schemaVersion"),
	mapOf("signals", func(c *content) *map[string]any { return &c.signals }, anyKey, anything),
}

// readFiles takes the entries of signalsFrom and gathers the signals of their files.
func (p *parser) readFiles(section map[string]any) {
	p.entries(EntrySignalsFrom, path(EntrySignalsFrom), section, func(e *entry, at path, object map[string]any) {
		from := fileFields.defaults()
		fileFields.decode(&from, object, at, e)
		requireBinary(from.Source, from.Digest, at, e)
		if e.refused == nil {
			p.readFile(e, at, from)
		}
	})
}

func (p *parser) readFile(e *entry, at path, from File) {
	doc, err := []byte(nil), ErrNotAtHand
	if p.env.Fetch != nil {
		doc, err = p.env.Fetch(from)
	}
	switch {
	case errors.Is(err, ErrNotAtHand):
		e.warn(at.key("source"), wrongly("its signals are not looked at: %v", err))
	case err != nil:
		e.refuse(at.key("source"), wrongly("%v", err))
	case len(doc) > maxFile:
		e.refuse(at.key("source"), wrongly("the file has %d bytes, may have %d at most", len(doc), maxFile))
	default:
		p.readContent(e, at+"#", doc)
	}
}

// readContent gathers the signals of a file. Paths in it begin with that of the entry: signalsFrom.line3#signals.press1.
func (p *parser) readContent(e *entry, at path, doc []byte) {
	object, wrong := readDocument(doc)
	if wrong == nil && object["signals"] == nil {
		wrong = wrongly("the file holds no signals").try(`it must be {"signals": {…}}`)
	}
	if wrong != nil {
		e.refuse(at, wrong)
		return
	}
	var c content
	contentFields.decode(&c, object, at, e) // signals are read with those of the twin
	if e.refused != nil {
		return
	}
	signals := at.key("signals")
	for name, value := range c.signals {
		if absent(value) {
			continue
		}
		if other, ok := p.filed[name]; ok {
			other.again = signals.key(name)
		} else {
			p.filed[name] = &filed{value: value, at: signals.key(name)}
		}
	}
}

// readFiled takes the signals of files that the twin itself says nothing of.
func (p *parser) readFiled(inTwin map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(p.filed)) {
		if absent(inTwin[name]) {
			p.readEntry(module.EntrySignal, name, p.filed[name].value, p.filed[name].at, p.readSignal)
		}
	}
}
