package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build builds the rivals that are built, and skips the test where the third cannot run.
func build(t *testing.T) (binaries string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node is not installed; install Node.js 20 or newer")
	}
	if _, err := os.Stat("../node_modules/azure-iot-device"); err != nil {
		t.Skip("the official SDK is not installed; run make sdk")
	}
	binaries = t.TempDir()
	for _, of := range [][]string{{"-C", ".", "./native", "./session"}, {"-C", "../../..", "./module/cmd/wasm-on-edge"}} { // two Go modules
		output, err := exec.CommandContext(t.Context(), "go", append([]string{"build", of[0], of[1], "-o", binaries + "/"}, of[2:]...)...).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	return binaries
}

// A turn fails unless as many messages come upstream as should.
func TestAllRivalsPassTheSameMessagesOn(t *testing.T) {
	o := options{binaries: build(t), windows: []int{1, 256}, rounds: 2, messages: 300}
	for _, window := range o.windows {
		turns, err := o.measure(t.Context(), window)
		require.NoError(t, err)
		for n := range turns {
			require.Len(t, turns[n], o.rounds)
			for _, turn := range turns[n] {
				assert.Positive(t, turn.inputs)
				assert.Positive(t, turn.cpu)
				assert.Greater(t, turn.memory, int64(1<<20))
			}
		}
	}
}

func TestRatiosAboveOneSpeakForOurs(t *testing.T) {
	mine := turn{inputs: 200, cpu: 10 * time.Microsecond, memory: 1 << 20}
	theirs := turn{inputs: 100, cpu: 40 * time.Microsecond, memory: 3 << 20}
	var table bytes.Buffer
	require.NoError(t, printTable(&table, []result{{window: 1, turns: [rivals][]turn{{mine}, {theirs}, {theirs}, {theirs}}}}))
	assert.Regexp(t, `\| 1 +\| native +\| 100 +\| 2.00 +\| 40.0 +\| 4.00 +\| 3.0 +\|`, table.String())
}

func TestTheMiddleOfTheRoundsCounts(t *testing.T) {
	fast, slow, stuck := turn{inputs: 90}, turn{inputs: 50}, turn{inputs: 1}
	assert.InDelta(t, 50, median([]turn{stuck, fast, slow}, turn.perSecond), 0)
	assert.InDelta(t, 1, medianRatio([]turn{fast, slow, stuck}, []turn{fast, slow, fast}, turn.perSecond), 0)
}
