package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// memoryVariable is the module's variable that says how many MiB the limits of all signals may come to.
const memoryVariable = "WASM_ON_EDGE_MEMORY_MIB"

// Memory is an estimate of what signals may come to take, from their limits: those are what the module counts.
type Memory struct {
	Limits int64  // bytes: the sum over all signals that run a guest
	Room   int64  // bytes that the module allows; 0: the deployment does not tell
	Why    string // Room is what it is
}

// String is the estimate in words.
func (m Memory) String() string {
	if m.Room == 0 {
		return "memory limits of the signals: " + mebibytes(m.Limits)
	}
	return fmt.Sprintf("memory limits of the signals: %s of %s (%s)", mebibytes(m.Limits), mebibytes(m.Room), m.Why)
}

// share is what the signals of one guest may come to take.
type share struct {
	guest   module.GuestName
	signals int
	bytes   int64
}

// shares returns what each guest's running signals may come to take, the largest first.
func shares(d module.Desired) []share {
	all := make(map[module.GuestName]share)
	for _, s := range d.Signals {
		guest, ok := d.Guests[s.Guest]
		if !ok || s.Status == module.StatusStopped || guest.Status == module.StatusStopped {
			continue
		}
		sum := all[s.Guest]
		all[s.Guest] = share{s.Guest, sum.signals + 1, sum.bytes + guest.Limits.Memory}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b share) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.guest, b.guest))
	})
}

func sumOf(shares []share) (bytes int64) {
	for _, s := range shares {
		bytes += s.bytes
	}
	return bytes
}

// memory estimates what the signals of a deployment need and what its container has, and warns where that is less.
func memory(m manifest.Module, d module.Desired) (Memory, []module.Finding) {
	all := shares(d)
	estimate := Memory{Limits: sumOf(all)}
	var problem error
	if estimate.Room, estimate.Why, problem = memoryRoom(m); problem != nil {
		return estimate, []module.Finding{{Severity: module.Refused, Path: "$edgeAgent.modules." + m.Name + ".env." + memoryVariable,
			Reason: problem.Error(), Hint: "the module does not start with it"}}
	}
	if estimate.Room == 0 || estimate.Limits <= estimate.Room {
		return estimate, nil
	}
	most := all[0]
	return estimate, []module.Finding{{Severity: module.Warning, Path: "signals",
		Reason: fmt.Sprintf("their memory limits come to %s, all together may have %s (%s): signals that do not fit will be refused; guest %q has the most, %s for %d",
			mebibytes(estimate.Limits), mebibytes(estimate.Room), estimate.Why, most.guest, mebibytes(most.bytes), most.signals),
		Hint: "lower limits.memoryMiB of guests (1 does for most in C and Rust, 8 for most in Go), or raise HostConfig.Memory in createOptions or " + memoryVariable}}
}

// memoryRoom returns what the module allows all limits to come to, in bytes: what its variable says, else 70 % of the
// container's memory. 0 is not known.
func memoryRoom(m manifest.Module) (room int64, why string, err error) {
	if text := m.Env[memoryVariable]; text != "" && !strings.Contains(text, "${") {
		mib, err := strconv.ParseInt(text, 10, 32)
		if err != nil || mib < 1 {
			return 0, "", fmt.Errorf("%q is not a whole number of MiB from 1 on", text)
		}
		return mib << 20, memoryVariable, nil
	}
	var options struct {
		HostConfig struct{ Memory int64 }
	}
	if json.Unmarshal([]byte(m.CreateOptions), &options) != nil || options.HostConfig.Memory <= 0 {
		return 0, "", nil // none, or not known before placeholders are replaced
	}
	container := options.HostConfig.Memory
	return container / 10 * 7, fmt.Sprintf("70 %% of the container's %s", mebibytes(container)), nil
}

func mebibytes(bytes int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/(1<<20)), ".0") + " MiB"
}
