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
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

func TestAVersionIsCondemnedByThreeEndsWithoutOrder(t *testing.T) {
	const m = time.Minute
	for _, test := range []struct {
		name string
		ends []time.Duration // between one end and the next
		want bool
	}{
		{"once", []time.Duration{m}, false},
		{"twice", []time.Duration{m, m}, false},
		{"three times in quick succession", []time.Duration{m, m, m}, true},
		{"long after it was applied", []time.Duration{600 * m, m, m}, true},
		{"too far apart", []time.Duration{m, 6 * m, 6 * m}, false},
		{"with the clock set back in between", []time.Duration{m, -60 * m, m, m}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tr trial
			now := time.Now()
			for _, after := range test.ends {
				tr.applying("g", 7)
				now = now.Add(after)
				tr.restarted(now)
			}
			assert.Equal(t, test.want, tr.refuses("g", 7))
			assert.False(t, tr.refuses("g", 8))
			assert.False(t, tr.refuses("another identity", 7))
		})
	}
}

func TestAStopInOrderIsNotHeldAgainstAVersion(t *testing.T) {
	var tr trial
	for range 2 * trialEnds {
		tr.applying("g", 7)
		tr.stopped()
		tr.restarted(time.Now())
	}
	assert.False(t, tr.refuses("g", 7))
}

func TestAnotherVersionStartsAnew(t *testing.T) {
	var tr trial
	for range trialEnds {
		tr.applying("g", 7)
		tr.restarted(time.Now())
	}
	assert.True(t, tr.refuses("g", 7))
	assert.Contains(t, tr.reason(), "version 7")
	tr.applying("g", 8)
	assert.False(t, tr.refuses("g", 7))
	tr.restarted(time.Now())
	assert.Len(t, tr.Ends, 1)
}

func TestAVersionThatTheProcessDoesNotSurviveGivesWayToTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.desire(`"signals": {"a": {"source": "input:in", "output": "old"}}`)
		d.desire(`"signals": {"a": {"source": "input:in", "output": "new"}}`)
		for range trialEnds {
			d = newDevice(t, d.crashed())
			d.settle(time.Second)
		}
		d.connect()
		r := d.twinSays()
		assert.EqualValues(t, 3, r.LastDesiredVersion)
		assert.Equal(t, module.CodeFailed, r.LastDesiredStatus.Code)
		assert.Contains(t, r.LastDesiredStatus.Description, "ended 3 times without order")
		assert.EqualValues(t, 2, r.Signals["a"].RunningVersion)
		assert.Equal(t, []string{"old: x"}, d.deliver("in", "x"))

		d.desire(`"signals": {"a": {"source": "input:in", "output": "mended"}}`)
		assert.Equal(t, module.CodeOK, d.twinSays().LastDesiredStatus.Code)
		assert.Equal(t, []string{"mended: y"}, d.deliver("in", "y"))
	})
}

func TestTheOnlyVersionThereIsKeepsBeingTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		for range 2 * trialEnds {
			d = newDevice(t, d.crashed())
			d.settle(time.Second)
			assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		}
	})
}

func TestAVersionThatNeverCameToRunIsTriedAgainWhereThereIsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		d.desire(`"signals": {"a": {"source": "input:in"}}`)
		for range trialEnds {
			d.settle(time.Second)
			d.stop()
			require.NoError(t, os.RemoveAll(filepath.Join(d.storage, "last-good.json"))) // it ended while guests were compiled
			d = newDevice(t, d.crashed())
			d.connect()
		}
		d.settle(time.Second)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
	})
}

// crashed is the device after its process ended without order: stopped, and its record says that it was running.
func (d *device) crashed() *device {
	d.stop()
	kept, err := store.Open(d.storage)
	require.NoError(d.t, err)
	var tr trial
	_, err = kept.Load(store.Trial, &tr)
	require.NoError(d.t, err)
	tr.Running = true
	require.NoError(d.t, kept.Save(store.Trial, tr))
	return d
}
