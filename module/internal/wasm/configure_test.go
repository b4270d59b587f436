package wasm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestSettingsAreAtWorkWithTheNextMessage(t *testing.T) {
	i := run(t, file(t, "echo_settings"))
	for _, document := range []string{`{"settings":{"high":80}}`, `{}`} {
		require.NoError(t, i.Configure([]byte(document)))
		_, err := i.Message(message("body"))
		require.NoError(t, err)
		assert.Equal(t, []string{document}, bodies(i))
	}
}

func TestRefusedSettingsComeWithAReasonAndTheInstanceLives(t *testing.T) {
	i := run(t, file(t, "refuse_settings"))
	require.NoError(t, i.Configure([]byte("ok")))
	e := guestError(t, i.Configure([]byte("nothing good")))
	assert.Equal(t, module.KindRefused, e.Kind)
	assert.Equal(t, "settings lack the word ok", e.Message)
	assert.NotEmpty(t, e.Hint)
	assert.False(t, i.Dead())
	verdict, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
}

func TestEveryAnswerButZeroRefuses(t *testing.T) {
	for _, answer := range []string{"1", "2", "3", "-1", "0x7fffffff"} {
		i := run(t, guestOf(t, "", `(func (export "edge_configure") (param i32 i32) (result i32) (i32.const `+answer+`))`, "(i32.const 1)"))
		e := guestError(t, i.Configure([]byte("{}")))
		assert.Equal(t, module.KindRefused, e.Kind, answer)
		assert.Equal(t, "the guest gave no reason", e.Message, answer)
	}
}

func TestAGuestWithoutSettingsAcceptsAll(t *testing.T) {
	require.NoError(t, run(t, file(t, "pass")).Configure([]byte(`{"settings":{"a":1}}`)))
}

func TestATrapIsNoRefusal(t *testing.T) {
	i := run(t, file(t, "trap_on_configure"))
	e := guestError(t, i.Configure([]byte("{}")))
	assert.Equal(t, module.KindTrap, e.Kind)
	assert.Equal(t, "configure", e.Op)
	assert.True(t, i.Dead())
}

func TestConfiguringHasTheTimeOfAStart(t *testing.T) {
	i := run(t, guestOf(t, "", `(func $configure (export "edge_configure") (param i32 i32) (result i32) (loop (br 0)) (unreachable))`, "(i32.const 1)"))
	e := guestError(t, i.Configure([]byte("{}")))
	assert.Equal(t, module.KindDeadline, e.Kind)
	assert.Equal(t, "used up its 500ms to start at configure", e.Message)
	assert.Equal(t, "raise limits.startMs if it needs longer", e.Hint)
}
