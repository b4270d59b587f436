package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"iter"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// kind says what a record does.
type kind byte

const (
	kindPut         kind = 1
	kindDelete      kind = 2
	kindDeleteTable kind = 3
)

// sumSize are the bytes of a sum.
const sumSize = 4

// record is a change of one key, or the end of a table. Its slices point into what it was decoded from.
type record struct {
	kind       kind
	table, key []byte
	value      []byte // of a put
	size       int    // bytes that it takes, its sum included
}

var errRecord = errors.New("record is damaged")

// appendRecord appends a record and its sum to b.
func appendRecord(b []byte, k kind, table, key string, value []byte) []byte {
	start := len(b)
	b = append(b, byte(k))
	b = append(binary.AppendUvarint(b, uint64(len(table))), table...)
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	if k == kindPut {
		b = append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// decodeRecord decodes the record that b begins with. It does not check the sum.
func decodeRecord(b []byte) (record, error) {
	if len(b) == 0 || kind(b[0]) < kindPut || kind(b[0]) > kindDeleteTable {
		return record{}, errRecord
	}
	r := record{kind: kind(b[0])}
	fields := []*[]byte{&r.table, &r.key, &r.value}
	if r.kind != kindPut {
		fields = fields[:2]
	}
	rest := b[1:]
	for _, field := range fields {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return record{}, errRecord
		}
		*field, rest = rest[n:n+int(size)], rest[n+int(size):]
	}
	if len(rest) < sumSize {
		return record{}, errRecord
	}
	r.size = len(b) - len(rest) + sumSize
	return r, nil
}

// checkRecord decodes b, which must be one record whose sum is right.
func checkRecord(b []byte) (record, error) {
	r, err := decodeRecord(b)
	if err != nil || r.size != len(b) {
		return record{}, errRecord
	}
	body := len(b) - sumSize
	if binary.LittleEndian.Uint32(b[body:]) != crc32.Checksum(b[:body], castagnoli) {
		return record{}, errRecord
	}
	return r, nil
}

// records yields the records of a payload with their offsets, up to the end or to the first that cannot be decoded.
func records(payload []byte) iter.Seq2[int, record] {
	return func(yield func(int, record) bool) {
		for at := 0; at < len(payload); {
			r, err := decodeRecord(payload[at:])
			if err != nil || !yield(at, r) {
				return
			}
			at += r.size
		}
	}
}

// wellFormed reports whether a payload consists of records.
func wellFormed(payload []byte) bool {
	end := 0
	for at, r := range records(payload) {
		end = at + r.size
	}
	return end == len(payload)
}
