package wasm_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestAGuestReadsThePropertiesOfItsMessage(t *testing.T) {
	i := run(t, file(t, "echo_property"))
	properties := module.Properties{{Name: "$.cdid", Value: "device"}, {Name: "empty", Value: ""}, {Name: "é", Value: "1/2 é"}}
	for name, want := range map[string]string{"$.cdid": "device", "empty": "", "é": "1/2 é", "emp": "(none)", "": "(none)", "Empty": "(none)"} {
		_, err := i.Message(module.Message{Body: []byte(name), Properties: properties})
		require.NoError(t, err)
		assert.Equal(t, []string{want}, bodies(i), "property %q", name)
	}
	_, err := i.Message(message("$.cdid"))
	require.NoError(t, err)
	assert.Equal(t, []string{"(none)"}, bodies(i), "the last message's")
}

func TestALongPropertyIsCutAndItsLengthTold(t *testing.T) {
	i := run(t, guestOf(t, `(import "edge" "property" (func $property (param i32 i32 i32 i32) (result i32)))`, "", `
		(i32.store8 (i32.const 3) (i32.const 33))
		(if (i32.ne (call $property (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 3)) (i32.const 5)) (then (unreachable)))
		(if (i32.ne (i32.load (i32.const 0)) (i32.const 0x21636261)) (then (unreachable))) ;; abc!
		(i32.const 1)`))
	_, err := i.Message(module.Message{Body: []byte("p"), Properties: module.Properties{{Name: "p", Value: "abcde"}}})
	require.NoError(t, err)
}

func TestALineOfTheLogHasALevel(t *testing.T) {
	for level, want := range map[int]int{0: 0, 2: 2, 5: 5, 6: 5, -1: 5} {
		i := run(t, guestOf(t, importLog, "", fmt.Sprintf(`(call $log (i32.const %d) (local.get $ptr) (local.get $len)) (i32.const 1)`, level)))
		_, err := i.Message(message("a\xffé"))
		require.NoError(t, err)
		for line := range i.Logs() {
			assert.Equal(t, module.LogLine{Level: want, Text: "a�é"}, line)
		}
		assert.Len(t, logs(i), 1)
		_, err = i.Message(message(strings.Repeat("x", 5000)))
		require.NoError(t, err)
		assert.Equal(t, []string{strings.Repeat("x", 4096)}, logs(i))
	}
}

func TestAFloodOfLinesIsCutAndCounted(t *testing.T) {
	i := run(t, file(t, "log_flood"))
	_, err := i.Message(message(strings.Repeat("x", 92))) // a hundred thousand times; 100 bytes with the record's own
	require.NoError(t, err)
	assert.Len(t, logs(i), 64<<10/100)
	assert.Equal(t, 100_000-64<<10/100, i.LogsDropped())
	_, err = i.Message(message(""))
	require.NoError(t, err)
	assert.Len(t, logs(i), 64<<10/8, "the count starts again with each call")
}

func TestLogsOfAFailedCallStay(t *testing.T) {
	i := run(t, guestOf(t, importLog, "", `(call $log (i32.const 4) (local.get $ptr) (local.get $len)) (i32.const -1)`))
	_, err := i.Message(message("oh no"))
	require.Error(t, err)
	assert.Equal(t, []string{"oh no"}, logs(i))
}

func TestAReasonIsCut(t *testing.T) {
	i := run(t, guestOf(t, importFail, "", `(call $fail (local.get $ptr) (local.get $len)) (i32.const -1)`))
	_, err := i.Message(message(strings.Repeat("é", 2000)))
	assert.Equal(t, strings.Repeat("é", 1024), guestError(t, err).Message)
	_, err = i.Message(message("\xff"))
	assert.Equal(t, "�", guestError(t, err).Message)
}

func TestNowIsUnixTimeInMilliseconds(t *testing.T) {
	i := run(t, guestOf(t, importEmit+`(import "edge" "now" (func $now (result i64)))`, "", `
		(i64.store (i32.const 0) (call $now))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 0))) (i32.const 2)`))
	before := time.Now().UnixMilli()
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	var now int64
	for n, b := range i.Effects().Emitted[0].Body {
		now |= int64(b) << (8 * n)
	}
	assert.GreaterOrEqual(t, now, before)
	assert.LessOrEqual(t, now, time.Now().UnixMilli())
}

func TestMetricsComeOut(t *testing.T) {
	i := run(t, file(t, "count_metric"))
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, []module.Metric{{Kind: 0, Name: "seen", Value: 1}, {Kind: 1, Name: "bytes", Value: 4}}, i.Effects().Metrics)
}

func TestAMetricThatIsNoneIsLeftOut(t *testing.T) {
	metric := func(kind int, value string) string {
		return guestOfMetric(fmt.Sprintf(`(call $metric (i32.const %d) (local.get $ptr) (local.get $len) (f64.const %s)) (i32.const 1)`, kind, value))
	}
	for _, c := range []struct {
		text, name string
		want       int
	}{
		{metric(2, "inf"), "h", 1}, {metric(3, "1"), "h", 0}, {metric(-1, "1"), "h", 0}, {metric(0, "1"), "", 0},
		{metric(0, "1"), strings.Repeat("x", 64), 1}, {metric(0, "1"), strings.Repeat("x", 65), 0}, {metric(0, "1"), "\xff", 0},
	} {
		i := run(t, wat(t, c.text))
		_, err := i.Message(message(c.name))
		require.NoError(t, err)
		assert.Len(t, i.Effects().Metrics, c.want, "%q", c.name)
	}
	i := run(t, wat(t, guestOfMetric(`(local $n i32) (loop
		(call $metric (i32.const 0) (local.get $ptr) (local.get $len) (f64.const nan))
		(br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))) (i32.const 1)`)))
	_, err := i.Message(message("m"))
	require.NoError(t, err)
	require.Len(t, i.Effects().Metrics, 256)
	assert.True(t, math.IsNaN(i.Effects().Metrics[0].Value))
}

func guestOfMetric(body string) string {
	return `(module (import "edge" "metric" (func $metric (param i32 i32 i32 f64))) (memory (export "memory") 5)
		(func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
		(func (export "edge_message") (param $ptr i32) (param $len i32) (result i32) ` + body + `))`
}
