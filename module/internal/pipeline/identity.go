package pipeline

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Properties in which Microsoft's simulated sensor, and those that follow it, count their messages.
const (
	propertyBatchID  = "batchId"
	propertySequence = "sequenceNumber"
)

// identify returns what makes a message the same when it comes again (4): its sender with its message id, or with its
// batch and sequence numbers; a sequence number alone starts anew when its sender does. A message that has neither gets
// a receipt of its own, and anonymous is true.
func identify(p module.Properties) (identity string, anonymous bool) {
	sender := p.Value(module.PropertySenderDevice) + "/" + p.Value(module.PropertySenderModule)
	if id := p.Value(module.PropertyMessageID); id != "" {
		return "id\x00" + sender + "\x00" + id, false
	}
	if batch, sequence := p.Value(propertyBatchID), p.Value(propertySequence); batch != "" && sequence != "" {
		return "seq\x00" + sender + "\x00" + batch + "\x00" + sequence, false
	}
	return "receipt\x00" + rand.Text(), true
}

// content hashes what a redelivery repeats to the letter.
func content(d *Delivery) [sha256.Size]byte {
	head := make([]byte, 0, 512)
	add := func(s string) {
		head = binary.AppendUvarint(head, uint64(len(s)))
		head = append(head, s...)
	}
	add(string(d.Input))
	for _, p := range d.Message.Properties {
		add(p.Name)
		add(p.Value)
	}
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(head))))
	h.Write(head)
	h.Write(d.Message.Body)
	return [sha256.Size]byte(h.Sum(nil))
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// MessageID returns the $.mid of the index-th output that a stream makes of the input with the given identity: 26
// characters, the same each time, so that a repeat can be recognised.
func MessageID(identity, stream string, index int) string {
	sum := sha256.Sum256([]byte(identity + "\x00" + stream + "\x00" + strconv.Itoa(index)))
	return idEncoding.EncodeToString(sum[:16])
}
