package reconcile

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestASignalIsCondemnedByThreeFaultsInItsCalls(t *testing.T) {
	const m = time.Minute
	for _, test := range []struct {
		name  string
		after []time.Duration // each fault after the one before
		want  bool
	}{
		{"once", []time.Duration{m}, false},
		{"twice", []time.Duration{m, m}, false},
		{"three times in quick succession", []time.Duration{m, m, m}, true},
		{"too far apart", []time.Duration{m, 6 * m, 6 * m}, false},
		{"with the clock set back in between", []time.Duration{m, -60 * m, m, m}, true},
		{"and then not for long", []time.Duration{m, m, m, 600 * m}, true},
	} {
		s, now, condemned := make(suspects), time.Now(), false
		for _, after := range test.after {
			now = now.Add(after)
			condemned = s.faulted(now, Fault{"a", "sha256:1", "SIGSEGV"})
		}
		assert.Equal(t, test.want, condemned, test.name)
		_, yes := s.condemns(entry("a", "sha256:1"))
		assert.Equal(t, test.want, yes, test.name)
		_, yes = s.condemns(entry("b", "sha256:1"))
		assert.False(t, yes, "another signal of the same guest")
	}
}

func TestFaultsOfAnotherBinaryDoNotCount(t *testing.T) {
	s, now := make(suspects), time.Now()
	for _, digest := range []string{"sha256:1", "sha256:1", "sha256:2", "sha256:2"} {
		assert.False(t, s.faulted(now, Fault{"a", digest, "SIGSEGV"}))
	}
}

func TestFaultsOfLongAgoAreForgotten(t *testing.T) {
	s, now := make(suspects), time.Now()
	s.faulted(now, Fault{"a", "sha256:1", "SIGSEGV"})
	s.faulted(now.Add(time.Hour), Fault{"b", "sha256:1", "SIGSEGV"})
	assert.NotContains(t, s, module.SignalName("a"))
}

func TestAnEntryThatChangedAcquitsItsSignal(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"digest":   func(e *Entry) { e.Digest = "sha256:2" },
		"limits":   func(e *Entry) { e.Guest.Limits.Deadline++ },
		"settings": func(e *Entry) { e.Signal.Settings = []byte(`{"high":1}`) },
	} {
		s := make(suspects)
		for range faultsToCondemn {
			s.faulted(time.Now(), Fault{"a", "sha256:1", "SIGSEGV"})
		}
		e := entry("a", "sha256:1")
		_, yes := s.condemns(e)
		assert.True(t, yes)
		e.Version++
		_, yes = s.condemns(e)
		assert.True(t, yes, "a version that leaves it as it is changes nothing")
		changed := e
		change(&changed)
		_, yes = s.condemns(changed)
		assert.False(t, yes, name)
		_, yes = s.condemns(e)
		assert.False(t, yes, "%s: taken back, it has another chance", name)
	}
}

func entry(name module.SignalName, digest string) Entry {
	return Entry{Version: 7, Signal: module.Signal{Name: name}, Guest: module.GuestSpec{Name: "g"}, Digest: digest}
}

const withGuest = `"guests": {"g": {"source": "file:good.wasm"}},
	"signals": {"a": {"source": "input:a", "guest": "g", "output": "a"}, "b": {"source": "input:b", "guest": "g", "output": "b"}}`

func TestASignalWhoseCallsEndTheProcessIsQuarantinedAndTheOthersRun(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(withGuest)
		for n := range faultsToCondemn {
			assert.Equal(t, []string{"a: x"}, d.deliver("a", "x"), "after %d faults", n)
			d = newDevice(t, d.faulted("a"))
			d.settle(time.Second)
		}
		check := func() {
			d.connect()
			d.settle(reportPeriodMax)
			r := d.twinSays()
			assert.Equal(t, module.Quarantined, r.Signals["a"].RuntimeStatus)
			assert.Contains(t, r.Signals["a"].StatusDescription, "the module ended by a fault (SIGABRT: abort) in a call of its guest 3 times within 10m0s")
			assert.Equal(t, module.Running, r.Signals["b"].RuntimeStatus)
			assert.Equal(t, 1, r.Summary.Quarantined)
			assert.Equal(t, module.CodeFailed, r.LastDesiredStatus.Code)
			assert.NotContains(t, r.LastDesiredStatus.Description, "refused", "the version is not to blame")
			assert.Equal(t, []string{"deadletter: x signal-not-running"}, d.deliver("a", "x"))
			assert.Equal(t, []string{"b: x"}, d.deliver("b", "x"))
		}
		check()
		d = newDevice(t, d)
		d.settle(time.Second)
		check() // the next start, without a fault

		d.desire(withGuest[:len(withGuest)-1] + `, "c": {"source": "input:c"}}`)
		check() // another entry changes
		d.desire(`"guests": {"g": {"source": "file:good.wasm", "limits": {"deadlineMs": 50}}}, "signals": {"a": {"source": "input:a", "guest": "g", "output": "a"}}`)
		assert.Equal(t, module.CodeOK, d.twinSays().LastDesiredStatus.Code)
		assert.Equal(t, []string{"a: x"}, d.deliver("a", "x"))
	})
}

func TestARemovedSignalIsAcquitted(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(withGuest)
		for range faultsToCondemn {
			d = newDevice(t, d.faulted("a"))
			d.settle(time.Second)
		}
		d.desire(`"signals": {"b": {"source": "input:b"}}`)
		d.desire(withGuest)
		assert.Equal(t, []string{"a: x"}, d.deliver("a", "x"))
	})
}

func TestEndsThatNoFaultCausedCondemnNoSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.bring("good.wasm", "ok")
		d.desire(withGuest)
		for range 2 * faultsToCondemn {
			d = newDevice(t, d.crashed())
			d.settle(time.Second)
			assert.Equal(t, []string{"a: x"}, d.deliver("a", "x"))
		}
	})
}

// faulted is the device after a fault in a call of a signal's guest ended its process.
func (d *device) faulted(name module.SignalName) *device {
	d.crashed()
	d.fault = &Fault{Signal: name, Digest: d.running[name].Digest, Reason: "SIGABRT: abort"}
	return d
}
