package twin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// maxReported is how many bytes of JSON a reported document has at most: half of what edgeHub takes as a patch,
// so that the patch from any such document to any other, in which null stands for all that goes, is within it.
const maxReported = MaxSection / 2

// briefText is how many bytes of a text are left where there is too much to say.
const briefText = 256

// ReportedDocument returns r as JSON that edgeHub and IoT Hub take, and so does the patch that [Diff] makes of two
// such documents: within the size of a patch, the length of a text, and the names that a key may have. A text that
// is too long is cut and ends in "…". Where there are too many entries only those are listed that are not well,
// with shorter texts where that is not enough, and at last only the first of them by name; the summary counts
// them all.
func ReportedDocument(r module.Reported) ([]byte, error) {
	brief := shorten(r, notWell, briefText)
	for _, attempt := range []module.Reported{shorten(r, everything, MaxText), shorten(r, notWell, MaxText), brief} {
		doc, err := encodeReported(attempt)
		if err != nil || len(doc) <= maxReported {
			return doc, err
		}
	}
	fitting := sort.Search(len(brief.Guests)+len(brief.Signals), func(n int) bool {
		doc, err := encodeReported(first(brief, n+1))
		return err == nil && len(doc) > maxReported
	})
	return encodeReported(first(brief, fitting))
}

func encodeReported(r module.Reported) ([]byte, error) {
	doc, err := encodeTree(r)
	if err != nil {
		return nil, fmt.Errorf("write reported: %w", err)
	}
	return doc, nil
}

func everything(module.ReportedEntry) bool { return true }

// notWell reports whether an entry is not what the twin asks for, or has something to say.
func notWell(e module.ReportedEntry) bool {
	wanted := e.RuntimeStatus == module.Running || e.RuntimeStatus == module.Stopped
	return !wanted || e.StatusDescription != "" || e.RunningVersion != 0
}

// shorten returns r with the entries that are listed and texts of at most limit bytes.
func shorten(r module.Reported, listed func(module.ReportedEntry) bool, limit int) module.Reported {
	r.SchemaVersion = clip(r.SchemaVersion, limit)
	r.LastDesiredStatus.Description = clip(r.LastDesiredStatus.Description, limit)
	for _, text := range []*string{&r.Runtime.Module, &r.Runtime.Wasmtime, &r.Runtime.ABIs, &r.Runtime.Architecture, &r.Runtime.Storage} {
		*text = clip(*text, limit)
	}
	r.Guests = shortenEntries(r.Guests, listed, limit)
	r.Signals = shortenEntries(r.Signals, listed, limit)
	return r
}

// shortenEntries leaves out entries whose names edgeHub might not take for a key: it would refuse the whole patch.
func shortenEntries[N ~string](entries map[N]module.ReportedEntry, listed func(module.ReportedEntry) bool, limit int) map[N]module.ReportedEntry {
	short := map[N]module.ReportedEntry{}
	for name, e := range entries {
		if listed(e) && module.ValidName(string(name)) {
			e.RuntimeStatus = module.RuntimeStatus(clip(string(e.RuntimeStatus), limit))
			e.StatusDescription = clip(e.StatusDescription, limit)
			e.Digest = clip(e.Digest, limit)
			short[name] = e
		}
	}
	return short
}

// first returns r with its first n entries by name, guests before signals.
func first(r module.Reported, n int) module.Reported {
	guests := min(n, len(r.Guests))
	r.Guests = firstEntries(r.Guests, guests)
	r.Signals = firstEntries(r.Signals, n-guests)
	return r
}

func firstEntries[N cmp.Ordered, V any](entries map[N]V, n int) map[N]V {
	kept := make(map[N]V, n)
	for _, name := range slices.Sorted(maps.Keys(entries))[:min(n, len(entries))] {
		kept[name] = entries[name]
	}
	return kept
}

// clip returns text in at most limit bytes of valid UTF-8; what is cut shows by "…" at its end.
func clip(text string, limit int) string {
	const mark = "…"
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}
