package wasm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACallIsMeasured(t *testing.T) {
	i := run(t, guestOf(t, "", "", `(local $n i32)
		(drop (memory.grow (local.get $len)))
		(loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000)))) (i32.const 1)`))
	assert.Positive(t, i.Took(), "its start")
	assert.EqualValues(t, 5*64<<10, i.Memory())
	for pages := range 3 {
		began := time.Now()
		_, err := i.Message(message(string(make([]byte, pages))))
		all := time.Since(began)
		require.NoError(t, err)
		assert.Greater(t, i.Took(), 50*time.Microsecond, "a million steps")
		assert.LessOrEqual(t, i.Took(), all)
	}
	assert.EqualValues(t, (5+1+2)*64<<10, i.Memory())
}

func TestACallThatEndsBadlyIsMeasuredToo(t *testing.T) {
	i := run(t, file(t, "loop_forever"))
	_, err := i.Message(message("body"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.GreaterOrEqual(t, i.Took(), limits().Deadline)
}
