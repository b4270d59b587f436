package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// The magics that frames begin with.
var (
	magicFrame  = [4]byte{0xD7, 'W', 'J', 0xF1} // a transaction
	magicFiller = [4]byte{0xD7, 'W', 'J', 0xF0} // covers a damaged place; its payload is not looked at
)

// frameHead are the bytes of a frame before its payload.
const frameHead = 20

// frame is a frame as found in a segment.
type frame struct {
	at, end int    // where it lies in the segment
	batch   int    // where the batch begins that it was written with
	payload []byte // nil of a filler
}

// span is a part of a segment.
type span struct{ at, end int }

// appendHead appends the head of a frame that lies at offset at of a segment.
func appendHead(b []byte, magic [4]byte, seed uint32, at, batch, length int, sum uint32) []byte {
	start := len(b)
	b = append(b, magic[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	b = binary.LittleEndian.AppendUint32(b, uint32(batch))
	b = binary.LittleEndian.AppendUint32(b, sum)
	return binary.LittleEndian.AppendUint32(b, headSum(seed, at, b[start:]))
}

// appendFrame appends the frame of a transaction.
func appendFrame(b []byte, seed uint32, at, batch int, payload []byte) []byte {
	sum := crc32.Update(seed, castagnoli, payload)
	return append(appendHead(b, magicFrame, seed, at, batch, len(payload), sum), payload...)
}

// headSum binds a head to its place.
func headSum(seed uint32, at int, head []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(at))
	return crc32.Update(crc32.Update(seed, castagnoli, place[:]), castagnoli, head[:frameHead-sumSize])
}

// parseHead reads the head of the frame at offset at of a segment, and returns the sum of its payload. Whether the
// payload is there is not looked at.
func parseHead(head []byte, seed uint32, at int) (f frame, sum uint32, filler, ok bool) {
	magic := [4]byte(head)
	if magic != magicFrame && magic != magicFiller || binary.LittleEndian.Uint32(head[16:]) != headSum(seed, at, head) {
		return frame{}, 0, false, false
	}
	length := int(binary.LittleEndian.Uint32(head[4:]))
	batch := int(binary.LittleEndian.Uint32(head[8:]))
	return frame{at: at, end: at + frameHead + length, batch: batch}, binary.LittleEndian.Uint32(head[12:]), magic == magicFiller, true
}

// parseFrame reads the frame at offset at of a segment. If only its payload is damaged, its place is known all the same.
func parseFrame(segment []byte, seed uint32, at int) (f frame, headGood, good bool) {
	if len(segment)-at < frameHead {
		return frame{}, false, false
	}
	f, sum, filler, ok := parseHead(segment[at:], seed, at)
	if !ok || f.end > len(segment) {
		return f, ok, false
	}
	if filler {
		return f, true, true
	}
	f.payload = segment[at+frameHead : f.end]
	return f, true, crc32.Update(seed, castagnoli, f.payload) == sum && wellFormed(f.payload)
}

// scan finds the frames in the bytes of a segment, from offset from on, and what lies between them. It always ends, in
// time that is linear in the bytes: whoever fills a value with magics cannot have their sums.
func scan(segment []byte, seed uint32, from int) (frames []frame, holes []span) {
	for at := from; at < len(segment); {
		f, headGood, good := parseFrame(segment, seed, at)
		if good {
			frames = append(frames, f)
			at = f.end
			continue
		}
		next := min(f.end, len(segment))
		if !headGood {
			next = nextHead(segment, seed, at+1)
		}
		holes = addHole(holes, span{at, next})
		at = next
	}
	return frames, holes
}

// addHole adds a hole behind the others, or makes the last one longer.
func addHole(holes []span, h span) []span {
	if last := len(holes) - 1; last >= 0 && holes[last].end == h.at {
		holes[last].end = h.end
		return holes
	}
	return append(holes, h)
}

// nextHead returns where the next head lies that is whole, or the end of the segment.
func nextHead(segment []byte, seed uint32, from int) int {
	for at := from; ; at++ {
		n := bytes.Index(segment[at:], magicFrame[:3])
		if n < 0 || len(segment)-at-n < frameHead {
			return len(segment)
		}
		at += n
		if _, _, _, ok := parseHead(segment[at:], seed, at); ok {
			return at
		}
	}
}
