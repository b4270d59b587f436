package reconcile

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// guestG and the signals below are the entries that the tests are about.
const guestG = `"guests": {"g": {"source": "file:good.wasm", "settings": {"of": "${signal}"}, "permissions": {"env": {"NAME": "${signal}"}}}}`

func TestADocumentComesToWorkAndIsReported(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {
			"a": {"source": "input:in", "guest": "g", "settings": {"high": 1}},
			"b": {"source": "signal:a"},
			"off": {"source": "input:in", "status": "stopped"}}`)
		d.golden("running")
		assert.ElementsMatch(t, []string{"telemetry: x", "telemetry: x"}, d.deliver("in", "x"), "of a and of b, which reads it")
		assert.Equal(t, []string{"deadletter: x no-signal"}, d.deliver("other", "x"))
		assert.JSONEq(t, `{"of":"a","high":1}`, d.instance("a").settings)
		assert.Equal(t, map[string]string{"NAME": "a"}, d.instance("a").options.Env)
	})
}

func TestAGuestThatTakesLongToCompileStartsAllTheSame(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		require.NoError(t, os.WriteFile(filepath.Join(d.guests, "slow.wasm"), []byte("slow"), 0o600))
		d.desire(`"guests": {"g": {"source": "file:slow.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		time.Sleep(3 * stepTimeout)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		assert.Equal(t, module.CodeOK, d.Reported().LastDesiredStatus.Code)
	})
}

func TestAGuestThatIsBeingCompiledHoldsUpNoOther(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("slow.wasm", "slow")
		d.desire(`"guests": {"slow": {"source": "file:slow.wasm"}, "good": {"source": "file:good.wasm"}},
			"signals": {"a": {"source": "input:in", "guest": "slow"}, "b": {"source": "input:in", "guest": "good"}, "c": {"source": "input:in"}}`)
		assert.Equal(t, module.Unknown, d.config.Supervisor.Snapshot()["a"].Status, "its guest is not there yet")
		for _, name := range []module.SignalName{"b", "c"} {
			assert.Equal(t, module.Running, d.config.Supervisor.Snapshot()[name].Status, name)
		}
		assert.Equal(t, []string{"telemetry: early", "telemetry: early"}, d.deliver("in", "early"), "no input waits for it")
		d.settle(3 * stepTimeout)
		assert.Equal(t, []string{"telemetry: early"}, take(d.hub, &d.hub.outputs), "its part waited in its spool")
		assert.Equal(t, []string{"telemetry: x", "telemetry: x", "telemetry: x"}, d.deliver("in", "x"))
	})
}

func TestARefusedChangeLeavesItsLastGoodAtWorkAndTheOthersChange(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"signals": {"a": {"source": "input:in"}, "b": {"source": "input:in"}}`)
		d.desire(`"signals": {"a": {"source": "input:in", "colour": 1}, "b": {"source": "input:other"}}`)
		d.golden("refused")
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("other", "x"))
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		r := d.twinSays()
		assert.Equal(t, module.CodeOK, r.LastDesiredStatus.Code)
		assert.Zero(t, r.Signals["a"].RunningVersion, "the newest version asks for just this")
		assert.NotContains(t, r.Signals, module.SignalName("b"))
	})
}

func TestARefusedDocumentChangesNothing(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		d.desire(`"schemaVersion": "2.0", "signals": {}`)
		r := d.twinSays()
		assert.EqualValues(t, 3, r.LastDesiredVersion)
		assert.NotEqual(t, module.CodeOK, r.LastDesiredStatus.Code)
		assert.EqualValues(t, 2, r.Signals["a"].RunningVersion)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
	})
}

func TestARefusedGuestStaysAsItWasForEverySignalUnderItsOwnName(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.desire(`"guests": {"g": {"source": "file:good.wasm", "limits": {"memoryMiB": -1}, "settings": {"of": "nobody"}}},
			"signals": {"a": {"source": "input:in", "guest": "g", "settings": {"high": 1}}, "b": {"source": "input:in", "guest": "g"}}`)
		assert.JSONEq(t, `{"of":"a","high":1}`, d.instance("a").settings)
		assert.JSONEq(t, `{"of":"b"}`, d.instance("b").settings)
		assert.Equal(t, map[string]string{"NAME": "b"}, d.instance("b").options.Env)
		d.golden("refused-guest")
		assert.Len(t, d.open(), 1)
	})
}

func TestSettingsInEveryCombination(t *testing.T) {
	for _, test := range []struct{ name, guest, signal, want string }{
		{"none", ``, ``, `{}`},
		{"the guest's", `, "settings": {"n": 1, "of": "${signal}"}`, ``, `{"n":1,"of":"s"}`},
		{"the signal's", ``, `, "settings": {"n": 2, "of": "${signal}"}`, `{"n":2,"of":"s"}`},
		{"both", `, "settings": {"n": 1, "m": 1}`, `, "settings": {"n": 2}`, `{"n":2,"m":1}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			onDevice(t, func(t *testing.T, d *device) {
				signal := `"signals": {"s": {"source": "input:in", "guest": "g"` + test.signal + `}}`
				d.desire(`"guests": {"g": {"source": "file:good.wasm"` + test.guest + `}}, ` + signal)
				assert.JSONEq(t, test.want, d.instance("s").settings, "the guest is good")
				d.desire(`"guests": {"g": {"source": "file:good.wasm", "colour": 1}}, ` + signal)
				assert.JSONEq(t, test.want, d.instance("s").settings, "the guest was refused")
				d = newDevice(t, d)
				d.settle(time.Second)
				assert.JSONEq(t, test.want, d.instance("s").settings, "started from the last good twin")
			})
		})
	}
}

func TestSettingsThatTheGuestRefusesLeaveTheOldOnesAtWork(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g", "settings": {"high": 1}}}`)
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g", "settings": {"high": "bad"}}}`)
		assert.JSONEq(t, `{"of":"a","high":1}`, d.instance("a").settings)
		d.golden("refused-settings")
	})
}

func TestASignalThatCannotBeStartedIsFailedWithItsReasonAndItsMessagesAreDeadLetters(t *testing.T) {
	for name, source := range map[string]string{"missing": "missing.wasm", "invalid": "invalid.wasm"} {
		t.Run(name, func(t *testing.T) {
			onDevice(t, func(t *testing.T, d *device) {
				signals := `"signals": {"a": {"source": "input:in", "guest": "g"}}`
				d.desire(`"guests": {"g": {"source": "file:` + source + `"}}, ` + signals)
				r := d.twinSays()
				assert.Equal(t, module.CodeFailed, r.LastDesiredStatus.Code)
				assert.Contains(t, r.LastDesiredStatus.Description, r.Signals["a"].StatusDescription)
				assert.Equal(t, module.Failed, r.Signals["a"].RuntimeStatus)
				assert.NotEmpty(t, r.Signals["a"].StatusDescription)
				assert.Equal(t, module.Failed, r.Guests["g"].RuntimeStatus)
				assert.Equal(t, []string{"deadletter: x signal-not-running"}, d.deliver("in", "x"))

				d.bring(source, "ok")
				d.connect() // the same document comes again
				assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
				d.settle(time.Minute)
				assert.Equal(t, module.CodeOK, d.twinSays().LastDesiredStatus.Code)
				assert.Equal(t, module.Running, d.twinSays().Signals["a"].RuntimeStatus)
			})
		})
	}
}

func TestAGuestThatTrapsAtItsStartIsTriedAgainByItself(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"guests": {"g": {"source": "file:traps.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:b"}}`)
		d.golden("traps-at-start")
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("b", "x"), "the other goes on")
		d.mend()
		d.settle(10 * time.Second)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		d.settle(time.Minute)
		assert.Equal(t, module.CodeOK, d.twinSays().LastDesiredStatus.Code)
	})
}

func TestABinaryThatIsGoneOrNewIsNoticedWhenTheTwinComesAgain(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.bring("good.wasm", "ok, and better")
		d.connect()
		assert.Equal(t, "ok, and better", d.instance("a").binary)
		d.deliver("in", "x")
		d.settle(time.Minute)
		assert.Equal(t, []bool{false, true}, d.open(), "its probation is over")
		d.bring("good.wasm", "invalid")
		d.connect()
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"), "a new one that is none leaves the old")
		d.settle(time.Minute)
		assert.Equal(t, module.Running, d.twinSays().Guests["g"].RuntimeStatus)
		assert.Contains(t, d.twinSays().Guests["g"].StatusDescription, "not a guest")
		assert.Equal(t, []bool{false, true}, d.open())
		assert.Equal(t, []string{"deadletter: kill trap"}, d.deliver("in", "kill"))
		d.settle(10 * time.Second)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"), "and that can start instances")
	})
}

func TestASignalWhoseGuestIsStoppedStopsEvenIfItsOwnEntryIsRefused(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.desire(`"guests": {"g": {"source": "file:good.wasm", "status": "stopped"}}, "signals": {"a": {"source": "input:in", "guest": "g", "colour": 1}}`)
		assert.Equal(t, []string{"deadletter: x no-signal"}, d.deliver("in", "x"))
		assert.Equal(t, module.Stopped, d.twinSays().Signals["a"].RuntimeStatus)
		assert.Equal(t, module.Stopped, d.twinSays().Guests["g"].RuntimeStatus)
	})
}

func TestLastGoodAndNewEntriesCannotCloseACircle(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"signals": {"a": {"source": "input:in"}, "b": {"source": "signal:a"}}`)
		d.desire(`"guests": {"g": {"source": "file:missing.wasm"}}, "signals": {"a": {"source": "signal:b"}, "b": {"source": "input:in", "guest": "g"}}`)
		assert.Equal(t, []string{"deadletter: x no-signal"}, d.deliver("in", "x"))
		assert.Contains(t, d.twinSays().Signals["a"].StatusDescription, "it reads signal:b")
	})
}

func TestATimerThatTicksFastFindsItsReaderThere(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "timer", "samplingIntervalMs": 400, "guest": "g", "output": ""}, "z": {"source": "signal:a"}}`)
		assert.Equal(t, []string{"telemetry: tick", "telemetry: tick"}, take(d.hub, &d.hub.outputs))
	})
}

func TestModuleSettingsAreLiveAndARefusedOneLeavesTheOld(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"module": {"unclaimedInputs": "drop"}, "signals": {"a": {"source": "input:in"}}`)
		assert.Empty(t, d.deliver("other", "x"))
		d.desire(`"module": {"unclaimedInputs": "burn"}, "signals": {"a": {"source": "input:in"}}`)
		assert.Empty(t, d.deliver("other", "x"))
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		assert.Equal(t, []string{"deadletter: x no-signal"}, d.deliver("other", "x"))
	})
}

func TestARestartWithoutEdgeHubStartsFromLastGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.bring("good.wasm", "ok")
		d.desire(guestG + `, "module": {"unclaimedInputs": "drop"}, "signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:in"}}`)
		d.desire(guestG + `, "module": {"unclaimedInputs": "drop"}, "signals": {"a": {"source": "input:in", "guest": "g", "colour": 1}, "b": {"source": "input:b"}}`)
		patches := len(noted(d.hub, &d.hub.patches))

		d = newDevice(t, d)
		d.settle(time.Second)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("b", "x"))
		assert.Empty(t, d.deliver("other", "x"))
		assert.Len(t, noted(d.hub, &d.hub.patches), patches, "nothing is said before the twin was seen")

		d.connect()
		r := d.twinSays()
		assert.EqualValues(t, 2, r.Signals["a"].RunningVersion, "what was refused then is refused now")
		assert.Zero(t, r.Signals["b"].RunningVersion)
		assert.Len(t, d.open(), 1, "nothing is started twice")
	})
}

func TestARestartIntoAnotherIdentityTakesItsLowerVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.hub.change(func() { d.hub.version = 40 })
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		d.stop()
		d.config.Generation = "g0"
		d.saved = nil
		d.save()
		d = newDevice(t, d)
		d.hub.change(func() { d.hub.version = 1 })
		d.desire(`"signals": {"b": {"source": "input:in"}}`)
		assert.EqualValues(t, 2, d.twinSays().LastDesiredVersion)
	})
}
