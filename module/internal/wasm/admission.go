package wasm

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// room is what an instance may come to take of the process, or what there is for all of them.
type room struct {
	memory    int64 // bytes that it may fill: its limit
	addresses int64 // bytes of address space
	mappings  int64
}

// What an instance takes, measured on Wasmtime 39: what its memory reserves with the guards around it, and mappings: two
// for a memory that begins empty, four for one that begins with data.
const (
	defaultAddresses = 4160 << 20
	smallGuards      = 2 * 64 << 10
	mappings         = 4
)

// roomFor returns what an instance may come to take. The memory of a small guest moves where it outgrows its reservation.
func roomFor(s settings, memory int64) room {
	if s.reservation == 0 {
		return room{memory, defaultAddresses, mappings}
	}
	addresses := int64(s.reservation)
	if memory > addresses {
		addresses = memory + smallGrowth
	}
	return room{memory, addresses + smallGuards, mappings}
}

// in returns how many instances that take r there is room for.
func (r room) in(total room) int64 {
	return max(0, min(total.memory/max(r.memory, 1), total.addresses/r.addresses, total.mappings/r.mappings))
}

// admission keeps instances within what there is. An allocation that fails for want of addresses or mappings would end
// the process if it were Go's or the C library's, so instances never take the last of them.
type admission struct {
	total room

	mu        sync.Mutex // guards what follows
	taken     room
	instances int
}

// newAdmission measures what there is. Memory is the sum of all instances' limits in bytes, where it is not 0.
func newAdmission(memory int64) *admission {
	if memory == 0 {
		memory = availableMemory() / 10 * 7
	}
	m := readMappings()
	return &admission{total: room{memory, spared(m.freeAddresses(), 1<<30), spared(m.free(), 4096)}}
}

// spared leaves a sixteenth of all to the rest of the process, and at least so much as it needs, but not all that there is.
func spared(all, needed int64) int64 { return all - max(all/16, min(needed, all/4)) }

// mapped is what this process has mapped of its address space.
type mapped struct {
	count int64  // mappings
	bytes int64  // of them together
	top   uint64 // end of the highest
}

// readMappings reads what is mapped. Addresses of the kernel, which it lets processes see a page of, do not count.
func readMappings() mapped {
	var m mapped
	maps, _ := os.ReadFile("/proc/self/maps") // without it there is no room, and instances are refused
	for line := range strings.Lines(string(maps)) {
		m.count++
		var from, to uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err == nil && to < 1<<63 {
			m.bytes += int64(to - from)
			m.top = max(m.top, to)
		}
	}
	return m
}

// freeAddresses returns how many bytes of address space are left: of what the processor has address bits for, which the
// highest mapping tells, its stack, and of what a limit (ulimit -v) allows. Asking the kernel for pieces until it refuses
// would tell as much, but costs an emulator a table entry for each page.
func (m mapped) freeAddresses() int64 {
	free := int64(1)<<bits.Len64(m.top) - m.bytes
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &limit); err == nil && limit.Cur < math.MaxInt64 {
		free = min(free, int64(limit.Cur)-m.bytes)
	}
	return max(free, 0)
}

// free returns how many more mappings the kernel lets this process have, vm.max_map_count.
func (m mapped) free() int64 {
	text, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		return math.MaxInt32
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return math.MaxInt32
	}
	return limit - m.count
}

// take takes room for one more instance, or says why there is none and what to do.
func (a *admission) take(r room) (reason, hint string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch full := fmt.Sprintf("%d instances run", a.instances); {
	case a.taken.memory+r.memory > a.total.memory:
		return fmt.Sprintf("%s with limits of %.1f MiB of memory together, of %.1f MiB for all; this one's %.1f MiB do not fit",
			full, mib(a.taken.memory), mib(a.total.memory), mib(r.memory)), "lower limits.memoryMiB of guests, or raise WASM_ON_EDGE_MEMORY_MIB"
	case a.taken.addresses+r.addresses > a.total.addresses:
		return fmt.Sprintf("%s and have %.0f of %.0f MiB of address space; this one's %.0f MiB do not fit",
			full, mib(a.taken.addresses), mib(a.total.addresses), mib(r.addresses)), "raise the limit of address space (ulimit -v) if there is one, or use smaller guests"
	case a.taken.mappings+r.mappings > a.total.mappings:
		return fmt.Sprintf("%s and have %d of %d memory mappings", full, a.taken.mappings, a.total.mappings), "raise the host's vm.max_map_count"
	}
	a.taken = room{a.taken.memory + r.memory, a.taken.addresses + r.addresses, a.taken.mappings + r.mappings}
	a.instances++
	return "", ""
}

// giveBack returns what an instance took.
func (a *admission) giveBack(r room) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = room{a.taken.memory - r.memory, a.taken.addresses - r.addresses, a.taken.mappings - r.mappings}
	a.instances--
}

// Capacity is how many instances a host can hold.
type Capacity struct {
	Memory int64 // bytes that the limits of all instances may come to
	Small  int64 // instances of a small guest whose limit is 1 MiB
	Large  int64 // instances of a Go guest whose limit is 16 MiB
}

// Capacity returns how many instances the host can hold, if all are alike.
func (h *Host) Capacity() Capacity {
	small := settingsFor(&binary.Info{Memory: &binary.Memory{Min: 1}}, 0, module.Limits{})
	return Capacity{
		Memory: h.admission.total.memory,
		Small:  roomFor(small, 1<<20).in(h.admission.total),
		Large:  roomFor(settings{}, 16<<20).in(h.admission.total),
	}
}
