package signals

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// The payloads, as the twin spells them.
const (
	payloadFlat   = "flat"
	payloadPubSub = "opcPubSub"
)

// Batch is what a message says of itself. Only opcPubSub says more than whether it is a group's.
type Batch struct {
	Group       string    // the publish group; empty: what a signal sends as it comes
	PublisherID string    // who sends, for example "device/module"
	MessageID   string    // of the message
	Time        time.Time // when the message was made
}

// AppendPayload appends the body of a message with the items, in their order, in the shape that payload names.
//
//   - samples, or anything unknown: the objects of AppendSample, in an array if they are a group's or several.
//   - flat: {"sourceTimestamp":"…","partition":"…","NAME":value,…}, one object for all items of one millisecond and
//     partition, in an array if they are a group's or several. Bad values are null. What a guest made is an element
//     of its own.
//   - opcPubSub: one network message as OPC Publisher sends it outside of its strict mode. See appendPubSub.
func AppendPayload(dst []byte, payload string, items []Named, about Batch) []byte {
	switch payload {
	case payloadPubSub:
		return appendPubSub(dst, items, about)
	case payloadFlat:
		return appendElements(dst, gather(items, byTime), about, appendFlat)
	}
	return appendElements(dst, items, about, AppendSample)
}

// appendElements appends elements as an array, or the only one of a message that is not a group's by itself.
func appendElements[E any](dst []byte, elements []E, about Batch, appendElement func([]byte, E) []byte) []byte {
	if about.Group == "" && len(elements) == 1 {
		return appendElement(dst, elements[0])
	}
	dst = append(dst, '[')
	for i, e := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendElement(dst, e)
	}
	return append(dst, ']')
}

func appendFlat(dst []byte, row []Named) []byte {
	if row[0].Raw != nil {
		return append(dst, row[0].Raw...)
	}
	dst = appendTimestamp(append(dst, `{"sourceTimestamp":`...), row[0].SourceTimestamp)
	dst = appendMember(dst, `,"partition":`, row[0].Partition)
	for _, item := range row {
		dst = append(appendString(append(dst, ','), item.Signal), ':')
		if item.Quality == module.Bad {
			item.Value = null
		}
		dst = appendValue(dst, item.Value)
	}
	return append(dst, '}')
}

// cell is a place in the rows of gather.
type cell struct {
	partition string
	time      int64 // in milliseconds, as far as rows are by time
	signal    string
	turn      int // how many rows of that partition and time have the signal already
}

// byTime tells when an item belongs to a row of its time. Raw ones have none: each makes a row of its own.
func byTime(n Named) (milliseconds int64, alone bool) {
	return n.SourceTimestamp.UnixMilli(), n.Raw != nil
}

// byName puts items of any time into one row.
func byName(Named) (int64, bool) { return 0, false }

// gather lays items out in rows: one for each partition and time, another where a signal would be in it twice. Rows
// are in the order of their first items.
func gather(items []Named, by func(Named) (int64, bool)) [][]Named {
	var rows [][]Named
	turns := make(map[cell]int)
	at := make(map[cell]int)
	for _, item := range items {
		time, alone := by(item)
		if alone {
			rows = append(rows, []Named{item})
			continue
		}
		of := cell{partition: item.Partition, time: time, signal: item.Signal}
		row := cell{partition: item.Partition, time: time, turn: turns[of]}
		turns[of]++
		i, ok := at[row]
		if !ok {
			i, rows = len(rows), append(rows, nil)
			at[row] = i
		}
		rows[i] = append(rows[i], item)
	}
	return rows
}
