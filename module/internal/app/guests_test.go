package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// beside is a desired twin with a hostile guest and an innocent one on the same input.
func beside(hostile string) string {
	return fmt.Sprintf(`{"schemaVersion":"1.0",
		"guests":{"hostile":{"source":"file:%s.wasm","limits":{"deadlineMs":30,"memoryMiB":2}},"pass":{"source":"file:pass.wasm"}},
		"signals":{"bad":{"source":"input:a","guest":"hostile","output":"bad"},"good":{"source":"input:a","guest":"pass","output":"good"}}}`, hostile)
}

func TestAHostileGuestHarmsNobody(t *testing.T) {
	for guest, reason := range map[string]string{
		"loop_forever": "deadline", "trap_on_message": "trap", "grow_memory": "trap", "bad_pointer": "abi", "bad_verdict": "abi",
		"stack_overflow": "trap", "fail_with_reason": "failed", "alloc_outside": "abi", "alloc_zero": "memory",
	} {
		t.Run(guest, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t, beside(guest), guest, "pass")
			d.run()
			var want []string
			for i := range 20 {
				want = append(want, fmt.Sprint(i))
				d.send("a", want[i])
			}
			d.waitBodies("good", want...)
			d.wait(func() bool {
				letters := len(d.messages("deadletter"))
				return letters > 0 && letters+d.app.Signals()["bad"].Spooled == 20
			}, "the other twenty to be dead letters or to wait in the spool")
			first := d.messages("deadletter")[0]
			assert.Equal(t, reason, property(t, first, "deadletter-reason"), property(t, first, "deadletter-description"))
			assert.Equal(t, "hostile", property(t, first, "deadletter-guest"))
			assert.Empty(t, d.messages("bad"))
			d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 20 }, "20 acknowledgements")
		})
	}
}

func TestAGuestThatTrapsBacksOffAndSaysWhy(t *testing.T) {
	d := newDevice(t, beside("trap_on_message"), "trap_on_message", "pass")
	d.run()
	d.waitReported("signals.bad.runtimeStatus", "running")
	d.send("a", "x")
	d.wait(func() bool { return len(d.messages("deadletter")) == 1 }, "the dead letter")
	assert.Equal(t, "2", property(t, d.messages("deadletter")[0], "deadletter-attempts"))
	d.send("a", "y")
	d.wait(func() bool { return d.app.Signals()["bad"].Spooled == 1 }, "the second message to wait in the spool")
	d.waitBodies("good", "x", "y")
}

func TestOnePoisonedMessageCostsTheSignalOneMessage(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:trap_on_poison.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "trap_on_poison")
	d.run()
	d.send("a", "one")
	d.waitBodies("telemetry", "one")
	d.send("a", "!poison")
	d.waitBodies("deadletter", "!poison")
	d.send("a", "two")
	d.waitBodies("telemetry", "one", "two")
	assert.Zero(t, d.hub.Stats().Modules["wasmOnEdge"].Redelivered, "the poisoned message is not delivered again")
}

func TestAGuestThatCannotStartIsReportedAndHarmsNobody(t *testing.T) {
	for guest, why := range map[string]string{
		"trap_on_start": "unreachable", "loop_on_start": "used up", "missing_alloc": "edge_alloc", "unknown_import": "does not offer",
		"wrong_type": "edge_message", "big_memory": "its limit is", "trap_on_configure": "unreachable",
	} {
		t.Run(guest, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t, beside(guest), guest, "pass")
			d.run()
			d.send("a", "x")
			d.waitBodies("good", "x")
			d.waitReported("signals.bad.statusDescription", why)
			d.waitReported("lastDesiredStatus.code", "500")
			d.wait(func() bool { return len(d.messages("deadletter"))+d.app.Signals()["bad"].Spooled == 1 },
				"its message to wait in the spool, or to be a dead letter")
		})
	}
}

func TestStateSurvivesTheRestartOfAnInstance(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:count_state.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "count_state")
	d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "1")
	d.patch(`{"guests":{"g":{"limits":{"deadlineMs":77}}}}`) // another limit: another instance
	d.waitReported("lastDesiredVersion", "2")
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2")
}

func TestASlowGuestDoesNotHoldUpTheStop(t *testing.T) {
	d := newDevice(t, beside("loop_forever"), "loop_forever", "pass")
	stop := d.run()
	d.send("a", "x")
	d.waitBodies("good", "x")
	start := time.Now()
	stop()
	assert.Less(t, time.Since(start), 8*time.Second)
}
