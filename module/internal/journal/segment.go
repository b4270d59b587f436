package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"regexp"
	"strconv"
)

// formatVersion is the version of the format that is written, and the only one that is read.
const formatVersion = 1

// headerSize are the bytes of a segment before its first frame. They have this form in every version of the format.
const headerSize = 20

var magicSegment = [8]byte{'w', 'o', 'e', 'j', 'r', 'n', 'l', '\n'}

// segment is a file of the journal. Its counts are guarded by the index's mutex, the rest belongs to Run's goroutine.
type segment struct {
	number uint64
	name   string
	seed   uint32
	file   file
	size   int // bytes that were written and synced

	live    int // bytes of the records in it that count
	records int // how many these are
}

var segmentName = regexp.MustCompile(`^([0-9a-f]{16})-([0-9a-f]{16})\.journal$`)

// newSegmentName returns a name with a new salt for the segment of that number.
func newSegmentName(number uint64) string {
	return fmt.Sprintf("%016x-%016x.journal", number, rand.Uint64())
}

// newSegment reads a segment's name, which must have the form of segmentName.
func newSegment(name string) *segment {
	part := segmentName.FindStringSubmatch(name)
	number, _ := strconv.ParseUint(part[1], 16, 64) // the pattern has seen to it
	salt, _ := strconv.ParseUint(part[2], 16, 64)
	identity := binary.LittleEndian.AppendUint32(nil, formatVersion)
	identity = binary.LittleEndian.AppendUint64(identity, number)
	identity = binary.LittleEndian.AppendUint64(identity, salt)
	return &segment{number: number, name: name, seed: crc32.Checksum(identity, castagnoli)}
}

// header is what a segment begins with.
type header struct {
	version uint32
	before  int // bytes of the segment before it that count; what lies beyond was never acknowledged
}

func (h header) append(b []byte) []byte {
	start := len(b)
	b = append(b, magicSegment[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.version)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.before))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

var errHeader = errors.New("header is damaged")

// parseHeader reads the header that a segment begins with.
func parseHeader(b []byte) (header, error) {
	if len(b) < headerSize || [8]byte(b) != magicSegment ||
		binary.LittleEndian.Uint32(b[16:]) != crc32.Checksum(b[:16], castagnoli) {
		return header{}, errHeader
	}
	return header{version: binary.LittleEndian.Uint32(b[8:]), before: int(binary.LittleEndian.Uint32(b[12:]))}, nil
}

// readFrame reads the frame at offset at, and checks it.
func (s *segment) readFrame(at int) (frame, error) {
	head := make([]byte, frameHead)
	if _, err := s.file.ReadAt(head, int64(at)); err != nil {
		return frame{}, err
	}
	f, sum, filler, ok := parseHead(head, s.seed, at)
	if !ok || f.end > s.size {
		return frame{}, errRecord
	}
	if filler {
		return f, nil
	}
	f.payload = make([]byte, f.end-at-frameHead)
	if _, err := s.file.ReadAt(f.payload, int64(at+frameHead)); err != nil {
		return frame{}, err
	}
	if crc32.Update(s.seed, castagnoli, f.payload) != sum {
		return frame{}, errRecord
	}
	return f, nil
}
