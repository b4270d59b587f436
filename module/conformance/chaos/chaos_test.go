//go:build cgo

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long the last messages may take once all is well: a signal backs off for up to five minutes after each of
// the poisoned messages that wait in its spool.
const patience = 40 * time.Minute

// chains are the signals that each message goes to; what befalls it in one of a chain befalls it in the chain.
var chains = [][]string{{"through"}, {"counted"}, {"fragile"}, {"slow"}, {"filed"}, {"second", "first"}, {"gathered"}}

// guests are those that are swapped, each for one that does the same.
var guests = []string{"pass", "count", "trap_on_poison", "slow", "file"}

const deployment = `{"modulesContent": {
	"$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": {
		"source": {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": "source"}},
		"wasmOnEdge": {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": "wasm-on-edge"}}}}},
	"$edgeHub": {"properties.desired": {"schemaVersion": "1.2", "storeAndForwardConfiguration": {"timeToLiveSecs": 604800}, "routes": {
		"in": "FROM /messages/modules/source/outputs/out INTO BrokeredEndpoint(\"/modules/wasmOnEdge/inputs/in\")",
		"out": "FROM /messages/modules/wasmOnEdge/outputs/* INTO $upstream"}}},
	"wasmOnEdge": {"properties.desired": {"schemaVersion": "1.0",
		"module": {"deadLettersPerMinute": 100000},
		"guests": {
			"pass": {"source": "file:pass1.wasm"}, "count": {"source": "file:count1.wasm"},
			"trap_on_poison": {"source": "file:trap_on_poison1.wasm"}, "slow": {"source": "file:slow1.wasm", "limits": {"deadlineMs": 5000}},
			"file": {"source": "file:file1.wasm", "permissions": {"files": "private"}}},
		"signalDefaults": {"source": "input:in", "output": "telemetry"},
		"publishGroups": {"soon": {"intervalMs": 700}},
		"signals": {
			"through": {"guest": "pass"}, "counted": {"guest": "count"}, "fragile": {"guest": "trap_on_poison"}, "slow": {"guest": "slow"}, "filed": {"guest": "file"},
			"gathered": {"selector": "/n", "publishGroup": "soon"},
			"first": {"guest": "pass", "output": ""}, "second": {"source": "signal:first", "guest": "pass"}}}}}}`

// campaign makes faults. Only its own goroutine touches it.
type campaign struct {
	*device
	source      *source
	random      *rand.Rand
	later       []remedy
	made        map[string]int
	slowestStop time.Duration
}

// remedy ends a fault.
type remedy struct {
	at  time.Time
	end func() error
}

// TestChaos makes faults for as long as CHAOS_TIME says, by the seed in CHAOS_SEED or by chance, and accounts for
// every message: make chaos.
func TestChaos(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("CHAOS_TIME"))
	if err != nil {
		t.Skip("CHAOS_TIME is not set to a duration: make chaos")
	}
	seed, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: make chaos TIME=%v SEED=%d", seed, length, seed)
	c := &campaign{device: newDevice(t, deployment), random: rand.New(rand.NewPCG(seed, 0)), made: map[string]int{}}
	c.writeGuests()
	c.environment = c.identity("wasmOnEdge")
	c.source, err = newSource(c.identity("source"), func() int { return c.account.settled(chains) })
	require.NoError(t, err)
	c.startHub()
	t.Cleanup(func() { c.hub.kill() })
	c.startModule(ample)
	t.Cleanup(func() { c.module.kill() })
	sent := c.run(length)
	c.settle(sent)
	c.report(sent)
}

// writeGuests makes two binaries of each guest, which differ in a comment.
func (c *campaign) writeGuests() {
	require.NoError(c.t, os.Mkdir(filepath.Join(c.dir, "guests"), 0o700))
	for _, name := range guests {
		text, err := os.ReadFile(filepath.Join("testdata", name+".wat"))
		if err != nil {
			text, err = os.ReadFile(filepath.Join("../../../wasm-guests/testdata", name+".wat"))
		}
		require.NoError(c.t, err)
		binary, err := wasmtime.Wat2Wasm(string(text))
		require.NoError(c.t, err)
		for version := range 2 {
			// A custom section of four bytes: its name is of one.
			other := append(slices.Clone(binary), 0, 3, 1, 'v', byte('1'+version))
			require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, "guests", fmt.Sprint(name, version+1, ".wasm")), other, 0o600))
		}
	}
}

// run has the source send while faults are made, and once more when they have ended: what came last tells whether all is well.
// It returns how many messages the hub has taken.
func (c *campaign) run(length time.Duration) (sent int) {
	client, closeClient := context.WithCancel(context.Background())
	clientEnded := make(chan error, 1)
	go func() { clientEnded <- c.source.client.Run(client) }() // awaited below
	sending, stop := context.WithCancel(context.Background())
	defer stop()
	sourceEnded := make(chan struct{})
	go func() { // awaited below
		defer close(sourceEnded)
		c.source.run(sending, client)
	}()
	told := time.Now()
	for end := told.Add(length); time.Now().Before(end); {
		c.sleep(c.duration(50*time.Millisecond, 1500*time.Millisecond))
		c.step()
		if time.Since(told) >= time.Minute {
			told = time.Now()
			c.t.Logf("so far %d messages, %d faults, %s", c.source.sent.Load(), c.total(), c.account.summary())
		}
	}
	c.mend()
	stop()
	select {
	case <-sourceEnded:
	case <-time.After(time.Minute):
		c.t.Errorf("the hub does not take message %d", c.source.sent.Load()+1)
	}
	closeClient()
	<-sourceEnded
	assert.NoError(c.t, <-clientEnded)
	return int(c.source.sent.Load())
}

// step makes one fault, by chance.
func (c *campaign) step() {
	c.t.Helper()
	require.True(c.t, c.hub.running(), "the hub has ended by itself: %v", c.hub.err)
	require.True(c.t, c.module.running(), "the module has ended by itself: %v", c.module.err)
	all := faults()
	total := 0
	for _, f := range all {
		total += f.weight
	}
	choice := c.random.IntN(total)
	for _, f := range all {
		if choice -= f.weight; choice < 0 {
			fmt.Fprintf(c.log, "{\"time\":%q,\"chaos\":%q}\n", time.Now().Format(time.RFC3339Nano), f.name)
			if err := f.make(c); !errors.Is(err, errNotNow) {
				c.made[f.name]++
				assert.NoError(c.t, err, f.name)
			}
			return
		}
	}
}

// total is how many faults were made.
func (c *campaign) total() (n int) {
	for _, made := range c.made {
		n += made
	}
	return n
}

// sleep waits, and ends the faults whose time is over.
func (c *campaign) sleep(d time.Duration) {
	time.Sleep(d)
	c.later = slices.DeleteFunc(c.later, func(r remedy) bool {
		return time.Now().After(r.at) && assert.NoError(c.t, r.end())
	})
}

// mend ends all faults.
func (c *campaign) mend() {
	require.NoError(c.t, c.disk.empty())
	for _, line := range []string{"release-acks", "delay-acks 0s", "release-twin", "twin true", "refuse 0", "online"} {
		require.NoError(c.t, c.tell("fault "+line))
	}
}

// settle waits until something has come of every message, and then until nothing more comes.
func (c *campaign) settle(sent int) {
	all := func() bool {
		return !slices.ContainsFunc(chains, func(chain []string) bool { return len(c.account.missing(chain, sent)) > 0 })
	}
	for end := time.Now().Add(patience); !all() && time.Now().Before(end); {
		time.Sleep(time.Second)
	}
	quiet := func() bool {
		c.account.mu.Lock()
		defer c.account.mu.Unlock()
		return time.Since(c.account.last) > 3*time.Second
	}
	assert.Eventually(c.t, quiet, time.Minute, 100*time.Millisecond, "messages come without end")
}

// report prints what was made and what came of it, and fails where something is missing or wrong.
func (c *campaign) report(sent int) {
	var text strings.Builder
	for _, f := range faults() {
		fmt.Fprintf(&text, "%-20s %6d\n", f.name, c.made[f.name])
	}
	if c.disk.absent != nil {
		fmt.Fprintf(&text, "the disk was never full: none can be mounted here: %v\n", c.disk.absent)
	}
	c.t.Logf("%d messages, %d faults, the slowest stop took %v\n%s\n%s", sent, c.total(), c.slowestStop.Round(time.Millisecond), &text, c.account.table(sent))
	for _, chain := range chains {
		missing := c.account.missing(chain, sent)
		assert.Empty(c.t, missing[:min(len(missing), 20)], "%d messages are missing from %s", len(missing), chain[0])
	}
	_, err := c.hub.stop()
	require.NoError(c.t, err)
	ledger, err := os.Open(filepath.Join(c.dir, "ledger"))
	require.NoError(c.t, err)
	defer func() { _ = ledger.Close() }()
	problems := append(c.account.check(), c.account.compare(ledger, sent)...)
	for _, problem := range problems[:min(len(problems), 20)] {
		assert.Fail(c.t, problem)
	}
}
