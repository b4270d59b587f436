package wasm

import (
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// memorySplit is how an instance's limit of memory is shared out before it runs: Wasmtime limits each memory and each
// table for itself.
type memorySplit struct {
	memory        int64 // bytes of the memory
	tableElements int64 // of each table
}

// maxTables bounds the tables of a guest; compilers make one. The engine enforces it too.
const maxTables = 4

// elementBytes is what Wasmtime keeps for an element.
const elementBytes = 8

// splitMemory sets aside for tables what the binary's can come to, at most a sixteenth of the limit for each that has no
// bound of its own, and leaves the rest to the memory. An error says what does not fit.
func splitMemory(info *binary.Info, limit int64) (memorySplit, error) {
	if len(info.Tables) > maxTables {
		return memorySplit{}, fmt.Errorf("it has %d tables, at most %d are allowed", len(info.Tables), maxTables)
	}
	var memory, tables, largest int64 // at the start
	if info.Memory != nil {
		memory = int64(min(info.Memory.Min, 1<<32)) * page
	}
	for _, t := range info.Tables {
		size := int64(min(t.Min, 1<<32))
		tables += size * elementBytes
		largest = max(largest, size)
	}
	if memory+tables > limit {
		return memorySplit{}, tooLarge(memory, tables, limit)
	}
	elements := max(largest, min(limit/16, (limit-memory-tables)/maxTables)/elementBytes)
	rest := limit - grownTables(info.Tables, elements)
	if memory > rest { // several tables, of which the small ones may grow as large as the largest is
		return memorySplit{}, tooLarge(memory, limit-rest, limit)
	}
	return memorySplit{rest, elements}, nil
}

// grownTables returns what tables come to in bytes when each has grown as far as it may.
func grownTables(tables []binary.TableSize, elements int64) (bytes int64) {
	for _, t := range tables {
		if t.Max != 0 {
			bytes += int64(min(t.Max, uint64(elements))) * elementBytes
		} else {
			bytes += elements * elementBytes
		}
	}
	return bytes
}

func tooLarge(memory, tables, limit int64) error {
	if tables == 0 {
		return fmt.Errorf("it starts with %.1f MiB of memory, its limit is %.1f MiB", mib(memory), mib(limit))
	}
	return fmt.Errorf("it starts with %.1f MiB of memory and %.1f MiB of tables, its limit is %.1f MiB", mib(memory), mib(tables), mib(limit))
}
