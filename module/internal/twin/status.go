package twin

import (
	"fmt"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// maxDescription is how many bytes, and so at most how many characters, a description of a status has.
const maxDescription = 512

// reasonEmpty is the reason of the finding that means "not configured", code 417.
const reasonEmpty = "the twin holds no configuration"

// Status returns what reported says of a desired document, before anything of it was started: 412 where its
// schemaVersion cannot be read, 417 where it is empty, 400 where it or an entry was refused, 206 where keys of a
// newer schema were ignored, else 200. The description gives the first findings and how many more there are;
// one that refuses several entries counts once. With 200 it gives the warnings.
func Status(d module.Desired) module.DesiredStatus {
	if refused := messages(d.Findings, module.Refused); len(refused) > 0 {
		return module.DesiredStatus{Code: refusedCode(d.Findings), Description: describe(refused)}
	}
	if ignored := messages(d.Findings, module.Ignored); len(ignored) > 0 {
		return module.DesiredStatus{Code: module.CodePartial, Description: describe(ignored)}
	}
	return module.DesiredStatus{Code: module.CodeOK, Description: describe(messages(d.Findings, module.Warning))}
}

func refusedCode(findings []module.Finding) int {
	for _, f := range findings {
		switch {
		case !ofDocument(f):
		case f.Path == string(pathSchemaVersion):
			return module.CodeSchemaVersion
		case f.Reason == reasonEmpty:
			return module.CodeEmpty
		}
	}
	return module.CodeInvalid
}

// ofDocument reports whether a finding refuses the document as a whole.
func ofDocument(f module.Finding) bool {
	return f.Severity == module.Refused && f.Entry == module.Entry{}
}

// messages returns the findings of one severity in words, each once, those about the whole document first.
func messages(findings []module.Finding, severity module.Severity) []string {
	var document, entries []string
	seen := map[string]bool{}
	for _, f := range findings {
		text := f.String()
		if f.Severity != severity || seen[text] {
			continue
		}
		seen[text] = true
		if ofDocument(f) {
			document = append(document, text)
		} else {
			entries = append(entries, text)
		}
	}
	return append(document, entries...)
}

// describe joins messages as long as there is room, and says how many more there are.
func describe(messages []string) string {
	const more = "; and %d more"
	room := maxDescription - len(more) - len("1000000")
	var b strings.Builder
	for i, message := range messages {
		if i > 0 && b.Len()+len("; ")+len(message) > room {
			fmt.Fprintf(&b, more, len(messages)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(clip(message, room))
	}
	return b.String()
}
