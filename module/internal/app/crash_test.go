package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// runModule is the module as a process of its own, until it is killed.
func runModule() {
	c, err := ConfigFromEnvironment(os.Getenv, "0.0.0-test")
	if err != nil {
		panic(err)
	}
	a, err := New(c)
	if err != nil {
		panic(err)
	}
	hangIfAsked(a)
	_ = a.Run(context.Background())
}

// process is the module as a process of its own.
type process struct {
	*exec.Cmd
	t testing.TB
}

// start starts the module as a process of its own. The end of the test kills it.
func (d *device) start() *process {
	d.t.Helper()
	exe, err := os.Executable()
	require.NoError(d.t, err)
	p := &process{exec.Command(exe, "module"), d.t}
	p.Env = append(os.Environ(), "WASM_ON_EDGE_STORAGE="+d.storage, "WASM_ON_EDGE_GUESTS="+d.guests, "WASM_ON_EDGE_LOG_FORMAT=json")
	for name, value := range d.hub.Environment("wasmOnEdge") {
		p.Env = append(p.Env, name+"="+value)
	}
	p.Stderr = d.log
	require.NoError(d.t, p.Start())
	d.t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// processorTime returns what each thread has used, in clock ticks of 10 ms.
func (p *process) processorTime() map[int]int {
	p.t.Helper()
	used := make(map[int]int)
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Process.Pid))
	require.NoError(p.t, err)
	for _, path := range stats {
		stat, _ := os.ReadFile(path) // a thread may have ended
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			thread, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			used[thread], _ = strconv.Atoi(fields[11]) // utime
		}
	}
	return used
}

// abort aborts the process in the call of a guest that does not come to an end: in the one thread that is at work.
func (p *process) abort(d *device) {
	d.t.Helper()
	before := p.processorTime()
	d.wait(func() bool {
		for thread, used := range p.processorTime() {
			if used-before[thread] >= 20 {
				require.NoError(d.t, syscall.Tgkill(p.Process.Pid, thread, syscall.SIGABRT))
				return true
			}
		}
		return false
	}, "a thread that is busy")
	require.Error(d.t, p.Wait())
}

func TestAGuestWhoseCallsEndTheProcessIsQuarantined(t *testing.T) {
	t.Parallel()
	desired := strings.Replace(beside("loop_forever"), `"deadlineMs":30`, `"deadlineMs":10000`, 1)
	c := sim.Config{AckTimeout: time.Second, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond}
	d := newDeviceWith(t, c, desired, "loop_forever", "pass")
	d.send("a", "poison")
	for range 3 {
		// What a crash leaves unacknowledged comes again, to both. If the guilty signal has it in its spool, because it
		// was still starting when it came, then what comes next does.
		before := len(d.messages("good"))
		p := d.start()
		d.send("a", "next")
		d.wait(func() bool { return len(d.messages("good")) > before }, "the innocent signal to have a share, and so the other one too")
		p.abort(d)
	}
	d.start()
	d.waitReported("signals.bad.runtimeStatus", "quarantined")
	assert.Contains(t, d.reported("signals.bad.statusDescription"), "the module ended by a fault (SIGABRT: abort) in a call of its guest 3 times")
	assert.Contains(t, d.reported("lastDesiredStatus.description"), "signals.bad", "it is not the version that is to blame")
	assert.Equal(t, "running", d.reported("signals.good.runtimeStatus"))
	d.send("a", "more")
	d.wait(func() bool { return slices.Contains(d.bodies("good"), "more") }, "the innocent signal to go on")
	d.wait(func() bool { return len(d.messages("deadletter")) > 0 }, "a dead letter")
	assert.Equal(t, "signal-not-running", property(t, d.messages("deadletter")[0], "deadletter-reason"))

	d.patch(`{"guests":{"hostile":{"limits":{"deadlineMs":30}}}}`)
	d.waitReported("signals.bad.runtimeStatus", "running")
}
