package pipeline

import (
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

// streamOf is the inverse of String.
func streamOf(name string) Stream {
	signal, partition, _ := strings.Cut(name, partitionMark)
	return Stream{module.SignalName(signal), partition}
}
