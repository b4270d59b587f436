package wasm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestAVerdictSpeaksOfTheMessage(t *testing.T) {
	for name, want := range map[string]module.Verdict{"drop": module.Drop, "pass": module.Pass, "done_silent": module.Done} {
		verdict, err := run(t, file(t, name)).Message(message("body"))
		require.NoError(t, err, name)
		assert.Equal(t, want, verdict, name)
	}
}

func TestAnEmptyMessageNeedsNoRoom(t *testing.T) {
	verdict, err := run(t, file(t, "alloc_zero")).Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
}

func TestATickIsACallOfTheTimer(t *testing.T) {
	guest := compile(t, file(t, "timer_emit"))
	require.True(t, guest.HasTimer())
	i := run(t, file(t, "timer_emit"))
	verdict, err := i.Tick(module.Properties{{Name: "$source", Value: "timer"}})
	require.NoError(t, err)
	assert.Equal(t, module.Done, verdict)
	assert.Equal(t, []string{"tick"}, bodies(i))
}

func TestATickWithoutATimerIsRefused(t *testing.T) {
	guest := compile(t, file(t, "pass"))
	require.False(t, guest.HasTimer())
	_, err := run(t, file(t, "pass")).Tick(nil)
	assert.Contains(t, guestError(t, err).Message, "it does not export edge_timer () → i32")
}

func TestAMessageOfAnySizeReachesItsGuest(t *testing.T) {
	i := run(t, guestOf(t, "", "", "(i32.and (i32.eq (local.get $len) (i32.const 262144)) (i32.eq (i32.load8_u (i32.add (local.get $ptr) (i32.const 262143))) (i32.const 7)))"))
	body := make([]byte, 256<<10)
	body[len(body)-1] = 7
	verdict, err := i.Message(module.Message{Body: body})
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
}
