//go:build cgo

package chaos

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// modest is a quota of the storage directory, in MiB, with which the journal's segments are of 1 MiB at most.
const modest = 16

// prompt is a backlog with which what is sent now comes soon, also where the machine is slow.
const prompt = 50

// filling is a device whose disk is filled and emptied while one module runs on it.
type filling struct {
	*device
	source *source
}

// come waits for something, in the account of a signal.
func (f *filling) come(what, signal string, holds func(*signalAccount) bool) {
	f.t.Helper()
	f.comeBy(func() {}, what, signal, holds)
}

// comeBy does something again and again until what it waits for has come.
func (f *filling) comeBy(do func(), what, signal string, holds func(*signalAccount) bool) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		do()
		f.account.mu.Lock()
		defer f.account.mu.Unlock()
		return holds(f.account.of(signal))
	}, time.Minute, 10*time.Millisecond, "signal %s: %s", signal, what)
}

// TestAModuleGoesOnByItselfWhenItsFullDiskHasRoomAgain fills and empties a real file system, in one life of the module.
func TestAModuleGoesOnByItselfWhenItsFullDiskHasRoomAgain(t *testing.T) {
	c := &campaign{device: newDevice(t, deployment)}
	if c.disk.absent != nil {
		t.Skipf("no disk can be mounted here: %v", c.disk.absent)
	}
	c.writeGuests()
	c.environment = c.identity("wasmOnEdge")
	source, err := newSource(c.identity("source"), func() int { return c.account.settled(chains) })
	require.NoError(t, err)
	source.backlog = prompt
	f := &filling{c.device, source}
	f.startHub()
	t.Cleanup(func() { f.hub.kill() })
	f.startModule(modest)
	t.Cleanup(func() { f.module.kill() })
	stop := f.send()

	for range 2 {
		sent := int(source.sent.Load())
		f.come("to count", "counted", func(s *signalAccount) bool { return s.highest > sent+10 })
		require.NoError(t, f.disk.fill(0))
		f.comeBy(f.press, "to say that it cannot count", "counted", func(s *signalAccount) bool { return s.refused("state-not-kept", sent) })
		f.come("to meet the full disk in a file", "filed", func(s *signalAccount) bool { return s.errno == "51" })
		sent = int(source.sent.Load())
		f.come("to pass messages on all the same", "through", func(s *signalAccount) bool { return s.highest > sent+10 })

		require.NoError(t, f.disk.empty())
		sent = int(source.sent.Load())
		f.come("to count again", "counted", func(s *signalAccount) bool { return s.highest > sent+10 })
		f.come("to write files again", "filed", func(s *signalAccount) bool { return s.errno == "00" })
	}
	sent := stop()
	require.Eventually(t, func() bool { return f.account.settled(chains) == sent }, time.Minute, 10*time.Millisecond)
	assert.Empty(t, f.account.check())
	assert.True(t, f.module.running(), "it is the one that was started")
	log, err := os.ReadFile(f.log.Name())
	require.NoError(t, err)
	assert.Contains(t, string(log), "storage is full: the disk has no room; it goes on by itself when there is some again")
	t.Log("\n" + f.account.table(sent))
}

// send has the source send until stop is called, which returns how many messages the hub has taken.
func (f *filling) send() (stop func() int) {
	sending, end := context.WithCancel(f.t.Context())
	client, closeClient := context.WithCancel(f.t.Context())
	ended := make(chan error, 2) // one of each
	go func() { ended <- f.source.client.Run(client) }()
	go func() { f.source.run(sending, client); ended <- nil }()
	stopped := false
	stop = func() int {
		if !stopped {
			stopped = true
			end()
			assert.NoError(f.t, <-ended)
			closeClient()
			assert.NoError(f.t, <-ended)
		}
		return int(f.source.sent.Load())
	}
	f.t.Cleanup(func() { stop() })
	return stop
}

// press has the journal need more room than it has allocated, and leaves none that it gives back when it cleans.
func (f *filling) press() {
	if f.source.room() {
		select {
		case f.source.next <- bulky:
		default: // one waits
		}
	}
	assert.NoError(f.t, f.disk.fillUp(0))
}
