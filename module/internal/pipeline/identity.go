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
// batch and sequence numbers. A message that has neither gets a receipt of its own, and anonymous is true.
func identify(p module.Properties) (identity string, anonymous bool) {
	sender := p.Value(module.PropertySenderDevice) + "/" + p.Value(module.PropertySenderModule)
	if id := p.Value(module.PropertyMessageID); id != "" {
		return "id\x00" + sender + "\x00" + id, false
	}
	if sequence := p.Value(propertySequence); sequence != "" {
		return "seq\x00" + sender + "\x00" + p.Value(propertyBatchID) + "\x00" + sequence, false
	}
	return "receipt\x00" + rand.Text(), true
}

// content hashes what a redelivery repeats to the letter.
func content(d *Delivery) [sha256.Size]byte {
	h := sha256.New()
	var length [8]byte
	write := func(s string) {
		binary.LittleEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	write(string(d.Input))
	for _, p := range d.Message.Properties {
		write(p.Name)
		write(p.Value)
	}
	h.Write(d.Message.Body)
	return [sha256.Size]byte(h.Sum(nil))
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// MessageID returns the $.mid of the index-th output that signal makes of the input with the given identity: 26
// characters, the same each time, so that a repeat can be recognised.
func MessageID(identity string, signal module.SignalName, index int) string {
	sum := sha256.Sum256([]byte(identity + "\x00" + string(signal) + "\x00" + strconv.Itoa(index)))
	return idEncoding.EncodeToString(sum[:16])
}
