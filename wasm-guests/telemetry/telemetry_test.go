package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

func TestEachTickIsAReading(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{}`)
	for range 3 {
		result := run.Tick()
		require.NoError(t, result.Err)
		require.Len(t, result.Emitted, 1)
		assert.JSONEq(t, `{"device Id":"001","temperature":12.34,"pressure":20.30}`, string(result.Emitted[0].Body))
	}
}

func TestSettingsAreWhatIsRead(t *testing.T) {
	result := edgetest.Start(t, newGuest(), `{"device":"press1","temperature":-5,"pressure":1e30}`).Tick()
	assert.JSONEq(t, `{"device Id":"press1","temperature":-5,"pressure":1e30}`, string(result.Emitted[0].Body))
}
