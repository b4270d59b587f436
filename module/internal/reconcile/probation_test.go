package reconcile

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// versionTwo is a document that asks for the second version of a guest, with further fields of it.
func versionTwo(fields string) string {
	return `"guests": {"g": {"source": "file:two.wasm"` + fields + `}}, "signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:b", "guest": "g"}}`
}

const versionOne = `"guests": {"g": {"source": "file:one.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:b", "guest": "g"}}`

// onProbation runs a test on a device that is about to go over to a second version of its guest, whose calls end badly for
// messages with the body "bad".
func onProbation(t *testing.T, test func(t *testing.T, d *device)) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("one.wasm", "one")
		d.bring("two.wasm", "frail")
		d.desire(versionOne)
		d.desire(versionTwo(""))
		require.Equal(t, "frail", d.instance("a").binary)
		require.Equal(t, []bool{true, true}, d.open(), "the version before is kept")
		test(t, d)
	})
}

func TestAVersionThatFailsOnProbationIsReportedAndNotTriedAgain(t *testing.T) {
	onProbation(t, func(t *testing.T, d *device) {
		assert.Equal(t, []string{"telemetry: bad"}, d.deliver("in", "bad"), "the version before worked on it")
		d.settle(time.Minute)
		d.golden("rolled-back")
		assert.Equal(t, []bool{true, false}, d.open())
		d.connect()
		assert.Equal(t, "one", d.instance("b").binary, "the same twin changes nothing")

		d.settle(time.Minute)
		after := newDevice(t, d)
		after.settle(time.Minute)
		assert.Equal(t, "one", after.instance("a").binary, "nor does a restart")
		r := after.twinSays()
		assert.Equal(t, module.RolledBack, r.Guests["g"].RuntimeStatus)
		assert.Equal(t, module.CodeFailed, r.LastDesiredStatus.Code)

		after.desire(versionTwo(`, "limits": {"deadlineMs": 200}`))
		assert.Equal(t, "frail", after.instance("a").binary, "its entry has changed: it gets another chance")
		after.settle(time.Minute)
		assert.Equal(t, module.CodeOK, after.twinSays().LastDesiredStatus.Code)
	})
}

func TestAVersionThatPassesItsProbationIsTheLastGoodOne(t *testing.T) {
	onProbation(t, func(t *testing.T, d *device) {
		d.deliver("in", "x")
		d.deliver("b", "x")
		d.settle(time.Minute)
		assert.Equal(t, []bool{false, true}, d.open(), "the version before is let go of")
		assert.Empty(t, d.good.Former)
		assert.Equal(t, []string{"deadletter: bad trap"}, d.deliver("in", "bad"))
	})
}

func TestASignalThatComesAfterAFailureRunsTheVersionBeforeToo(t *testing.T) {
	onProbation(t, func(t *testing.T, d *device) {
		d.deliver("in", "bad")
		d.desire(`"guests": {"g": {"source": "file:two.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}, "new": {"source": "input:new", "guest": "g"}}`)
		assert.Equal(t, "one", d.instance("new").binary)
		assert.Equal(t, []string{"telemetry: bad"}, d.deliver("new", "bad"))
	})
}

func TestAProbationGoesOnAfterARestartWithoutEdgeHub(t *testing.T) {
	onProbation(t, func(t *testing.T, d *device) {
		d.hub.change(func() { d.hub.offline = true })
		after := newDevice(t, d.crashed())
		synctest.Wait()
		assert.Equal(t, "frail", after.instance("a").binary)
		after.deliver("in", "bad")
		assert.Equal(t, "one", after.instance("a").binary)
		assert.Equal(t, "one", after.instance("b").binary)
		assert.Contains(t, after.rejected["g"].Reason, "failed on probation at signal \"a\"")
	})
}

func TestAProbationEndsWithARestartWhereTheVersionBeforeIsGone(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("one.wasm", "one")
		d.desire(versionOne)
		d.bring("one.wasm", "frail") // as an image with another file of the same name does
		d.connect()
		after := newDevice(t, d.crashed())
		after.settle(time.Second)
		assert.Equal(t, "frail", after.instance("a").binary)
		assert.Equal(t, []string{"deadletter: bad trap"}, after.deliver("in", "bad"))
	})
}

func TestAVersionGoesBackToTheOneThatPassedLast(t *testing.T) {
	entry := func(digest string) Entry {
		return Entry{Digest: digest, Guest: module.GuestSpec{Name: "g"}}
	}
	service, another, partitioned := entry("2"), entry("2"), entry("2")
	service.Guest.Run, another.Guest.Name, partitioned.Signal.PartitionBy = module.RunService, "h", "/machine"
	for name, test := range map[string]struct {
		running, former, want Entry
		back                  string
	}{
		"a new version":                   {entry("1"), Entry{}, entry("2"), "1"},
		"the same version":                {entry("1"), Entry{}, entry("1"), ""},
		"the same version on probation":   {entry("2"), entry("1"), entry("2"), "1"},
		"another in the place of the new": {entry("2"), entry("1"), entry("3"), "1"},
		"the one before, by the twin":     {entry("2"), entry("1"), entry("1"), ""},
		"after a restart":                 {Entry{}, entry("1"), entry("2"), "1"},
		"a first start":                   {Entry{}, Entry{}, entry("2"), ""},
		"another guest":                   {entry("1"), Entry{}, another, ""},
		"a service":                       {entry("1"), Entry{}, service, ""},
		"other partitions":                {entry("1"), Entry{}, partitioned, ""},
		"the host alone":                  {Entry{}, Entry{}, Entry{}, ""},
	} {
		former, ok := formerOf(test.running, test.former, test.want)
		assert.Equal(t, test.back != "", ok, name)
		if ok {
			assert.Equal(t, test.back, former.Digest, name)
		}
	}
}
