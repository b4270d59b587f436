package app

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// hostile are the guests of the soak that do harm, one signal each.
var hostile = []string{"loop_forever", "trap_on_message", "trap_on_poison", "grow_memory", "bad_pointer", "bad_verdict", "stack_overflow",
	"emit_flood", "log_flood", "fail_with_reason"}

// TestSoak runs a hundred signals, a tenth of them hostile, on as many messages as SOAK says (make soak), counted over
// all signals. No innocent signal misses one, and resident memory does not grow after the first tenth.
func TestSoak(t *testing.T) {
	total, err := strconv.Atoi(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("SOAK is not set to a number of messages: make soak")
	}
	const signals = 100
	inputs := total / signals
	innocent := signals - len(hostile)
	c := sim.Config{InFlight: 64, RetryMin: 10 * time.Millisecond}
	d := newDeviceWith(t, c, soakTwin(innocent), append(hostile, "pass", "count_memory")...)
	got := d.count("good")
	d.run()
	d.waitReported("signals.good0.runtimeStatus", "running")

	start, early := time.Now(), int64(0)
	for i := range inputs {
		m := edgehub.Message{Body: []byte(soakBody(i))}
		require.NoError(t, d.hub.Publish(t.Context(), "sensor", "a", m))
		if i == inputs/10 {
			require.NoError(t, d.hub.WaitIdle(t.Context()))
			early = resident(t)
		}
	}
	require.NoError(t, d.hub.WaitIdle(t.Context()))
	late := resident(t)

	t.Logf("%d messages to %d signals in %v; resident %d MiB after a tenth, %d MiB at the end",
		total, signals, time.Since(start).Round(time.Second), early>>20, late>>20)
	for n := range innocent {
		assert.Equal(t, inputs, got.of(fmt.Sprint("good", n)), "good%d", n)
	}
	assert.Less(t, late, early+early/4+16<<20, "resident memory grew")
}

// soakBody is poison now and then, for the guest that it kills.
func soakBody(i int) string {
	if i%97 == 0 {
		return "!" + strconv.Itoa(i)
	}
	return strconv.Itoa(i)
}

func soakTwin(innocent int) string {
	var guests, signals []string
	for _, name := range hostile {
		guests = append(guests, fmt.Sprintf(`%q:{"source":"file:%s.wasm","limits":{"deadlineMs":5,"memoryMiB":2,"logLinesPerMinute":60}}`, name, name))
		signals = append(signals, fmt.Sprintf(`"bad_%s":{"source":"input:a","guest":%q,"output":"bad"}`, name, name))
	}
	for n := range innocent {
		signals = append(signals, fmt.Sprintf(`"good%d":{"source":"input:a","guest":%q,"output":"good"}`, n, []string{"pass", "count_memory"}[n%2]))
	}
	return fmt.Sprintf(`{"schemaVersion":"1.0","module":{"logLevel":"error","onUnavailable":"drop","deadLettersPerMinute":0},
		"guests":{"pass":{"source":"file:pass.wasm"},"count_memory":{"source":"file:count_memory.wasm"},%s},"signals":{%s}}`,
		strings.Join(guests, ","), strings.Join(signals, ","))
}

// counter counts messages by signal, without keeping them.
type counter struct {
	mu sync.Mutex
	by map[string]int
}

func (c *counter) of(signal string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[signal]
}

// count makes the device count what comes out of an output instead of keeping it.
func (d *device) count(output string) *counter {
	c := &counter{by: make(map[string]int)}
	d.counting = func(u sim.Upstream) {
		if u.Output != output {
			return
		}
		for _, p := range u.Message.Properties {
			if p.Name == "signal" {
				c.mu.Lock()
				c.by[p.Value]++
				c.mu.Unlock()
			}
		}
	}
	return c
}

// resident returns the resident memory of this process, hub and test included, in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			require.NoError(t, err)
			return kib << 10
		}
	}
	t.Fatal("no VmRSS in /proc/self/status")
	return 0
}
