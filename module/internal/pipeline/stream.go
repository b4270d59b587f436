package pipeline

import (
	"crypto/sha256"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Stream is what one instance of a signal works on: all that comes for the signal or, where that is partitioned, what
// comes for one of its partitions.
type Stream struct {
	Signal    module.SignalName
	Partition string // "": the signal is not partitioned
}

// partitionMark parts the names of signal and partition. No signal's name has it.
const partitionMark = "#"

// String returns the name of the stream, by which it is stored.
func (s Stream) String() string {
	if s.Partition == "" {
		return string(s.Signal)
	}
	return string(s.Signal) + partitionMark + s.Partition
}

// FileName returns a name for what the stream has in a directory: it begins with the signal's, and names no other file.
func (s Stream) FileName() string {
	if s.Partition == "" {
		return string(s.Signal)
	}
	sum := sha256.Sum256([]byte(s.Partition))
	return string(s.Signal) + partitionMark + idEncoding.EncodeToString(sum[:16])
}

// SignalOf returns the signal whose FileName a name is.
func SignalOf(fileName string) module.SignalName { return streamOf(fileName).Signal }

// Waiting returns the streams of a signal that have something in their spools.
func (p *Pipeline) Waiting(signal module.SignalName) (streams []Stream) {
	for _, table := range p.journal.Tables(tableSpool + string(signal)) {
		if s := streamOf(table[len(tableSpool):]); s.Signal == signal {
			streams = append(streams, s)
		}
	}
	return streams
}

// streamOf is the inverse of String.
func streamOf(name string) Stream {
	signal, partition, _ := strings.Cut(name, partitionMark)
	return Stream{module.SignalName(signal), partition}
}
