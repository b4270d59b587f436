package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// hangVariable has the module of runModule hang in one part, which only this test's program knows.
const hangVariable = "WASM_ON_EDGE_TEST_HANG"

// hangIfAsked makes a part hang, and the watchdog's checks quick.
func hangIfAsked(a *App) {
	if part := os.Getenv(hangVariable); part != "" {
		a.watchdog.Interval = 20 * time.Millisecond
		a.watchdog.Probes = append(a.watchdog.Probes, observe.Probe{Name: part, Ask: func() error { select {} }})
	}
}

func TestAModuleThatIsStuckEndsItselfAndSaysWhere(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a"}}}`)
	t.Setenv(hangVariable, "gearbox")
	p := d.start()
	_ = p.Wait()
	assert.Equal(t, 70, p.ProcessState.ExitCode())
	text, err := os.ReadFile(filepath.Join(d.storage, "stuck.txt"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "gearbox: no answer")
	assert.Contains(t, string(text), "hangIfAsked", "the stack of what hangs")
	assert.Contains(t, d.log.String(), "gearbox: no answer")
	assert.Contains(t, d.log.String(), "hangIfAsked")
}

func TestEveryPartOfAModuleAtWorkAnswers(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a"}}}`)
	d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
	assert.True(t, d.app.connected())
	for _, p := range d.app.probes() {
		assert.NoError(t, p.Ask(), p.Name)
	}
	tried := make(chan error, 1)
	d.app.tryJournal(func(err error) { tried <- err })
	assert.NoError(t, <-tried)
}

// rule is a progress whose surroundings the test makes.
type rule struct {
	progress
	input   uint64
	hopeful bool
	writes  []func(error)
}

func newRule() *rule {
	r := &rule{input: 7, hopeful: true}
	r.progress = progress{
		oldest:  func() uint64 { return r.input },
		hopeful: func() bool { return r.hopeful },
		write:   func(done func(error)) { r.writes = append(r.writes, done) },
	}
	return r
}

// checks checks n times that nothing is stuck.
func (r *rule) checks(t *testing.T, n int) {
	t.Helper()
	for range n {
		require.NoError(t, r.check())
	}
}

const aWeek = 7 * 24 * 60 * 4 // checks

func TestAnInputThatGetsNoFurtherThoughItCouldIsStuck(t *testing.T) {
	r := newRule()
	r.checks(t, stuckChecks-2)
	assert.Empty(t, r.writes, "the device is spared until there is a suspicion")
	r.checks(t, 1)
	require.Len(t, r.writes, 1)
	r.writes[0](nil)
	assert.ErrorContains(t, r.check(), "input 7 gets no further")
}

func TestNothingIsStuckThatMayRightlyWait(t *testing.T) {
	for name, change := range map[string]func(r *rule, i int){
		"edgeHub is away, or the outbox full":    func(r *rule, _ int) { r.hopeful = false },
		"a connection is lost now and then":      func(r *rule, i int) { r.hopeful = i%stuckChecks != 0 },
		"each input takes nearly five minutes":   func(r *rule, i int) { r.input = uint64(i/(stuckChecks-1)) + 1 },
		"there is no input":                      func(r *rule, _ int) { r.input = 0 },
		"the disk takes all the time there is":   func(*rule, int) {},
		"the disk is full, or cannot be written": func(r *rule, _ int) { answerAll(r, errors.New("no space left on device")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRule()
			for i := range aWeek {
				change(r, i)
				r.checks(t, 1)
			}
		})
	}
}

// answerAll ends the tries of the journal that are under way.
func answerAll(r *rule, err error) {
	for _, done := range r.writes {
		done(err)
	}
	r.writes = nil
}
