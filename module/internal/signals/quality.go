package signals

import (
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// qualityOf reads what a source says of a value:
//
//	nothing, null                     good
//	"Good…", "Uncertain…", "Bad…"     by how it begins, in any case: names of OPC UA's status codes too
//	0, 1083179008, 2150694912         an OPC UA status code (OPC 10000-4, 7.39), by its two highest bits of 32
//	true, false                       good, bad
//	{"Code":…,"Symbol":"…"}           by Code, else by Symbol; good where it has neither (OPC 10000-6, 5.4.2.12)
//
// What is none of these is uncertain.
func qualityOf(n document.Node) module.Quality {
	switch n.Kind() {
	case document.Absent, document.Null:
		return module.Good
	case document.Bool:
		if n.Is("true") {
			return module.Good
		}
		return module.Bad
	case document.String:
		return qualityOfText(n.Text())
	case document.Number:
		return qualityOfCode(n.Text())
	case document.Object:
		code, ok := n.Member("Code")
		if !ok {
			code, _ = n.Member("Symbol")
		}
		if code.Kind() != document.Object {
			return qualityOf(code)
		}
	}
	return module.Uncertain
}

func qualityOfText(text string) module.Quality {
	for _, q := range []module.Quality{module.Good, module.Uncertain, module.Bad} {
		if word := q.String(); len(text) >= len(word) && strings.EqualFold(text[:len(word)], word) {
			return q
		}
	}
	return module.Uncertain
}

func qualityOfCode(text string) module.Quality {
	code, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return module.Uncertain
	}
	return min(module.Quality(code>>30), module.Bad) // 3 is none of the severities
}
